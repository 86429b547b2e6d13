//! The command line.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{Args, Parser, Subcommand, ValueEnum};
use messages::{LoadId, MessageId, Stage};

use crate::sample::DEFAULT_SEED;

/// An event-driven manufacturing data platform: CSV files in, judged marts out.
#[derive(Debug, Parser)]
#[command(name = "millrace", version, about, max_term_width = 100)]
#[command(after_help = "Exit codes: 0 good; 1 a load or a verdict failed; 2 usage or configuration.")]
pub struct Cli {
    /// The settings file; `millrace.toml` in the working folder if absent
    #[arg(long, global = true, value_name = "FILE", env = "MILLRACE_CONFIG")]
    pub config: Option<PathBuf>,
    /// Print JSON instead of tables, for programs
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run every role in this process
    Up(Up),
    /// Run the watcher: files in the raw folder become events
    Watch,
    /// Run an ingest worker: files become slices in the warehouse
    Ingest,
    /// Run the transform worker: slices become marts, by dbt
    Transform,
    /// Run a data-quality worker: the data is judged
    Dq,
    /// Ask for a run by publishing a command, as Airflow does
    Trigger(Trigger),
    /// Take a command back: what waits is not begun, what is in hand is broken off, what is done stays
    Cancel(Cancel),
    /// Let a load that is held back become current
    Release(Decide),
    /// Give up a load that is held back, and remove its rows
    Discard(Decide),
    /// List the newest loads
    Loads(Loads),
    /// Show a load from its files to its verdict
    Load(Load),
    /// Show which sources have delivered what their contracts expect; exit code 1 if one is late
    Freshness,
    /// Write one HTML file that shows loads, quality over time, rejects, freshness and lineage
    Report(Report),
    /// Show the rows of a load that were set aside
    Rejects(Rejects),
    /// Show how full the queues are, who works on them, and what to do
    Queues(Queues),
    /// Let a stage's queue fill: what is in hand is finished, and nothing more is begun
    Pause(OfStage),
    /// Let a paused stage go on
    Resume(OfStage),
    /// Look at, replay or purge messages that were given up
    #[command(subcommand)]
    Dead(Dead),
    /// Read from the warehouse
    Query(Query),
    /// Follow a row of a mart to the loads, files and lines that it was made of
    Trace(Trace),
    /// Check settings, contracts and connections, and say how to mend what is wrong
    Check,
    /// Set up what the platform needs elsewhere
    #[command(subcommand)]
    Setup(Setup),
    /// Ask a running process how it is: exit code 0 if it runs, or with --ready if it can work
    Health(Health),
    /// Write manufacturing CSV files of any size; the same seed gives the same bytes
    Sample(Sample),
}

#[derive(Debug, Args)]
pub struct Up {
    /// Work off all that is there, print a summary, end
    #[arg(long)]
    pub once: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Asked {
    /// Load the files of the sources as one load
    Ingest,
    /// Build the models that depend on the sources
    Transform,
    /// Judge the data of the sources
    Dq,
}

impl Asked {
    /// The stage that is asked.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Transform => "transform",
            Self::Dq => "dq",
        }
    }
}

#[derive(Debug, Args)]
pub struct Trigger {
    /// What to ask for
    pub stage: Asked,
    /// The load; asking twice for one LOAD_ID replaces only its own slice
    #[arg(long, value_name = "ID")]
    pub load_id: LoadId,
    /// A source by the name of its contract; all if absent; may be given several times
    #[arg(long = "source", value_name = "NAME")]
    pub sources: Vec<String>,
    /// Only this file (path below the raw folder); may be given several times (ingest only)
    #[arg(long = "file", value_name = "PATH")]
    pub files: Vec<String>,
    /// How new the data is, such as 2026-11-23T06:00:00Z; now if absent (ingest only)
    #[arg(long, value_name = "TIME")]
    pub as_of: Option<DateTime<Utc>>,
    /// Rebuild incremental models from nothing (transform only)
    #[arg(long)]
    pub full_refresh: bool,
    /// Ask what would happen, and do nothing: the answer is waited for, 60 s if --wait says nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Wait for the answer, at most this many seconds
    #[arg(long, value_name = "SECS")]
    pub wait: Option<u64>,
}

#[derive(Debug, Args)]
pub struct Cancel {
    /// The load
    #[arg(value_name = "LOAD_ID")]
    pub load_id: LoadId,
    /// Only at this stage: ingest, transform or dq; wherever it is not done if absent
    #[arg(long)]
    pub stage: Option<Stage>,
    /// The command, as `millrace trigger` prints it; the load's newest if absent. The audit is not asked then
    #[arg(long, value_name = "ID", value_parser = command_id)]
    pub command: Option<MessageId>,
    /// Why, for those who find it cancelled
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Wait for the command's end, at most this many seconds
    #[arg(long, value_name = "SECS")]
    pub wait: Option<u64>,
}

fn command_id(text: &str) -> Result<MessageId, String> {
    MessageId::parse(text).ok_or_else(|| "a command's id is a UUID; `millrace trigger` prints it".into())
}

#[derive(Debug, Args)]
pub struct Decide {
    /// The load
    #[arg(value_name = "LOAD_ID")]
    pub load_id: LoadId,
    /// Why, for whoever finds it so
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Who decides; the user who is logged in if absent
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
    /// Wait for what becomes of it, at most this many seconds; 60 if absent
    #[arg(long, value_name = "SECS")]
    pub wait: Option<u64>,
}

#[derive(Debug, Args)]
pub struct Rejects {
    /// The load
    #[arg(value_name = "LOAD_ID")]
    pub load_id: LoadId,
    /// How many rows to show
    #[arg(long, default_value_t = 100, value_name = "N")]
    pub limit: usize,
    /// Print CSV, with the rows' texts as they are
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
}

#[derive(Debug, Args)]
pub struct Loads {
    /// How many loads to list
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub limit: usize,
}

#[derive(Debug, Args)]
pub struct Load {
    /// The load
    #[arg(value_name = "LOAD_ID")]
    pub load_id: LoadId,
}

#[derive(Debug, Args)]
pub struct Report {
    /// The file to write; an older one is replaced
    #[arg(long, value_name = "FILE", default_value = "millrace-report.html")]
    pub out: PathBuf,
    /// How many days back it reaches
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub days: u32,
}

#[derive(Debug, Args)]
pub struct OfStage {
    /// The stage: ingest, transform or dq
    pub stage: Stage,
}

#[derive(Debug, Args)]
pub struct Queues {
    /// Tell the age of the oldest message also where a look is not enough: on RabbitMQ it is taken and put at the end of
    /// its queue, not counted as tried
    #[arg(long)]
    pub oldest: bool,
}

#[derive(Debug, Subcommand)]
pub enum Dead {
    /// List dead letters, newest first
    List {
        /// Only this stage's: ingest, transform or dq
        #[arg(long)]
        stage: Option<Stage>,
        /// How many to list
        #[arg(long, default_value_t = 50, value_name = "N")]
        limit: usize,
    },
    /// Show one, body included
    Show {
        /// Its id, as listed
        id: String,
    },
    /// Put dead letters back into their queues
    Replay(Chosen),
    /// Throw dead letters away for good
    Purge(Chosen),
}

#[derive(Debug, Args)]
#[group(required = true)]
pub struct Chosen {
    /// Ids, as listed
    pub ids: Vec<String>,
    /// All of them
    #[arg(long, conflicts_with = "ids")]
    pub all: bool,
}

#[derive(Debug, Args)]
pub struct Query {
    /// One statement that reads
    pub sql: String,
    /// How many rows to show
    #[arg(long, default_value_t = 1000, value_name = "N")]
    pub limit: usize,
}

#[derive(Debug, Args)]
pub struct Trace {
    /// The table: a mart, or any other model or source, such as mart_daily_plant_line_kpis, CORE.CORE_BATCHES or RAW.BATCHES
    #[arg(value_name = "MART")]
    pub table: String,
    /// Only rows with this value in this column; nothing behind = means rows without a value; may be given several times
    #[arg(long = "key", value_name = "COLUMN=VALUE", value_parser = crate::trace::key)]
    pub keys: Vec<(String, String)>,
    /// How many rows of each table, and how many loads, to show
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = at_least_one)]
    pub limit: usize,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| "a number from 1".into())
}

#[derive(Debug, Subcommand)]
pub enum Setup {
    /// Make what millrace needs in a Snowflake account: warehouse, database, schemas, roles, user, and what loads use
    ///
    /// Logs in as an administrator: SNOWFLAKE_ADMIN_USER with SNOWFLAKE_ADMIN_PASSWORD or SNOWFLAKE_ADMIN_PRIVATE_KEY_PATH,
    /// at SNOWFLAKE_ACCOUNT. Names that are not given are those of SNOWFLAKE_USER, _ROLE, _WAREHOUSE and _DATABASE, which
    /// the workers read, else those below. What is there already is left as it is.
    Snowflake(SetupSnowflake),
}

#[derive(Debug, Args)]
pub struct SetupSnowflake {
    /// Only print the statements, each with its reason, for an administrator to run
    #[arg(long)]
    pub print: bool,
    /// The public key with which the user will log in, as `openssl pkey -pubout` writes it
    #[arg(long, value_name = "FILE", conflicts_with = "private_key")]
    pub public_key: Option<PathBuf>,
    /// The private key, of which only the public half is sent; SNOWFLAKE_PRIVATE_KEY_PATH if neither is given
    #[arg(long, value_name = "FILE")]
    pub private_key: Option<PathBuf>,
    /// The workers' user; MILLRACE_LOADER if nothing says otherwise
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// The workers' role; MILLRACE_LOADER if nothing says otherwise
    #[arg(long, value_name = "NAME")]
    pub role: Option<String>,
    /// The role of people and reports, which only read
    #[arg(long, value_name = "NAME", default_value = "MILLRACE_READER")]
    pub reader_role: String,
    /// The virtual warehouse; MILLRACE_WH if nothing says otherwise
    #[arg(long, value_name = "NAME")]
    pub warehouse: Option<String>,
    /// Its size, if it is made: XSMALL, SMALL, MEDIUM, …; each costs twice what the one before it costs
    #[arg(long, value_name = "SIZE", default_value = "XSMALL")]
    pub warehouse_size: String,
    /// The database; MILLRACE if nothing says otherwise
    #[arg(long, value_name = "NAME")]
    pub database: Option<String>,
}

#[derive(Debug, Args)]
pub struct Health {
    /// Whether it can work: the bus, the warehouse and dbt too
    #[arg(long)]
    pub ready: bool,
    /// Where it listens; what http.listen says, or the port of `millrace up` if absent
    #[arg(long, value_name = "HOST:PORT")]
    pub address: Option<String>,
}

#[derive(Debug, Args)]
pub struct Sample {
    /// The folder to write into; it is made if it is not there
    pub dir: PathBuf,
    /// Rows of batches; materials and production orders in proportion
    #[arg(long, default_value_t = 2000, value_name = "N")]
    pub rows: u64,
    /// Another seed gives other data
    #[arg(long, default_value_t = DEFAULT_SEED, value_name = "N")]
    pub seed: u64,
}
