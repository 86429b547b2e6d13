//! The sections of `millrace.toml`.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{LogFormat, RetryPolicy};

/// A section: its fields, their defaults, and nothing else in the file.
macro_rules! section {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $kind:ty = $default:expr,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $kind,)+
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)+ }
            }
        }
    };
}

section! {
    /// Where files and contracts lie. Relative paths begin at the working folder.
    Paths {
        /// The folder that the plant drops files into. Default `data/raw`.
        raw: PathBuf = "data/raw".into(),
        /// The folder with one contract per source. Default `data/sources`.
        contracts: PathBuf = "data/sources".into(),
    }
}

section! {
    /// How messages travel.
    BusSection {
        /// `sqlite:<path>` is the embedded bus, a file that is made if it is not there. `amqp://user:password@host/vhost`
        /// is RabbitMQ, `amqps://` over TLS; special characters are written as `%XX`. Default
        /// `sqlite:.millrace/bus.sqlite`.
        url: String = "sqlite:.millrace/bus.sqlite".into(),
        /// PEM file of the authority that signed the broker's certificate. Default: the system's authorities.
        ca_file: Option<PathBuf> = None,
        /// PEM file of the certificate that this client shows. Without user and password in the address it is the login.
        client_cert_file: Option<PathBuf> = None,
        /// PEM file of that certificate's key (PKCS 8, not encrypted).
        client_key_file: Option<PathBuf> = None,
        /// RabbitMQ's management API, `http://user:password@host:15672`: for rates, and for what other processes have in
        /// hand. Nothing else needs it. Default: port 15672 of the broker's host (15671 with TLS), with the same user.
        management_url: Option<String> = None,
        /// How long RabbitMQ may take to confirm a message before publishing it counts as failed, in seconds. Longer
        /// bears slow disks, shorter notices a dead broker sooner. Default 30.
        publish_timeout_secs: u64 = 30,
    }
}

section! {
    /// Where rows end.
    WarehouseSection {
        /// `duckdb:<path>` is a file that is made if it is not there. `snowflake:` is the account that the variables
        /// `SNOWFLAKE_*` describe, see deploy/snowflake; the settings below are DuckDB's. Default
        /// `duckdb:.millrace/warehouse.duckdb`.
        url: String = "duckdb:.millrace/warehouse.duckdb".into(),
        /// Memory that DuckDB may use, in MiB. More makes large loads and queries quicker, less leaves room for others;
        /// what does not fit goes to disk. Default 256.
        memory_limit_mb: u64 = 256,
        /// Threads that DuckDB may use. Default: the processors of the machine, at most 8.
        threads: usize = std::thread::available_parallelism().map_or(2, usize::from).min(8),
        /// How long to wait for a file that another process holds, in seconds, before the work is put off. Default 30.
        lock_wait_secs: u64 = 30,
        /// How long an unused file stays open, in milliseconds. Longer saves opening it anew, shorter lets other
        /// programs at it sooner. Default 200.
        idle_close_millis: u64 = 200,
    }
}

section! {
    /// How the raw folder is watched.
    WatchSettings {
        /// How often the folder is compared with the audit, in seconds, because file events can be missed. Default 30.
        rescan_secs: u64 = 30,
        /// A file that was found without a closing event must have kept its size and time for this long, in
        /// milliseconds, before it counts as finished. Default 1000.
        settle_millis: u64 = 1000,
        /// Files that are no deliveries: globs over the path below the raw folder. Names that begin with `.` or end in
        /// `~`, `.part` or `.tmp` never are. Default: read-me files.
        ignore: Vec<String> = vec!["**/README*".into()],
    }
}

section! {
    /// How files are loaded.
    IngestSettings {
        /// Files that one process loads at a time. On DuckDB more than one gains nothing. Default 1.
        concurrency: usize = 1,
    }
}

section! {
    /// How dbt is run.
    TransformSettings {
        /// The dbt project. Default `workers/transform/dbt`.
        project: PathBuf = "workers/transform/dbt".into(),
        /// The sidecar that keeps dbt warm. Default `workers/transform/sidecar/millrace_dbt.py`.
        sidecar: PathBuf = "workers/transform/sidecar/millrace_dbt.py".into(),
        /// The Python that has dbt. Default `.venv/bin/python`.
        python: PathBuf = ".venv/bin/python".into(),
        /// Where dbt writes what it compiles and logs. Default `.millrace/dbt`.
        target: PathBuf = ".millrace/dbt".into(),
        /// Keep dbt running between builds: a second instead of five for a build, for 250 MB of memory. Default true.
        warm: bool = true,
        /// The longest that one build may take, in seconds. It is ended then, and tried again. Default 3600.
        timeout_secs: u64 = 3600,
        /// Loads that wait are built together, at most this many. Default 500.
        together: usize = 500,
    }
}

section! {
    /// How data is judged.
    DqSettings {
        /// Loads that wait are judged together, at most this many. Default 500.
        together: usize = 500,
    }
}

section! {
    /// How transient failures (a lock held, a broker away) are tried again.
    RetrySettings {
        /// Tries in all; after the last one a message is dead-lettered. Default 12, about a quarter of an hour.
        max_attempts: u32 = 12,
        /// The first delay, in milliseconds; each further one is twice as long. Default 1000.
        first_delay_millis: u64 = 1000,
        /// The longest delay, in seconds. Default 300.
        max_delay_secs: u64 = 300,
    }
}

section! {
    /// How a process ends.
    ShutdownSettings {
        /// How long work in hand may take to end after SIGTERM, in seconds. What is not done by then is given back and
        /// done again. Longer wastes less work, shorter ends sooner; let whatever stops the process wait some seconds
        /// longer than this. 0 gives back at once. Default 60.
        drain_secs: u64 = 60,
    }
}

section! {
    /// What is logged, to standard error.
    LogSettings {
        /// `error`, `warn`, `info`, `debug`, or a filter such as `info,bus=debug`. Default: `info` for what runs as a
        /// service, `warn` for what a person runs on a terminal.
        level: Option<String> = None,
        /// `auto` (text on a terminal, JSON otherwise), `text` or `json`. Default `auto`.
        format: LogFormat = LogFormat::Auto,
    }
}

section! {
    /// The port that Prometheus, Kubernetes and people ask: `/metrics`, `/healthz`, `/readyz`. Whatever runs roles has one.
    HttpSettings {
        /// An address such as `0.0.0.0:9464`, or `off`; port 0 takes a free one. Nothing secret is told there, but nobody is
        /// asked who he is either: name an address beyond this machine only where the network is your own. One that can't be
        /// had ends the process. Default: this machine only, at a port of the role's own (up 9460, watch 9461, ingest 9462,
        /// transform 9463, dq 9464), or at a free one if that is taken.
        listen: Option<String> = None,
    }
}

section! {
    /// What is measured. Where it is sent besides is for OpenTelemetry's own variables, `OTEL_*`.
    TelemetrySettings {
        /// How often the queues are counted for `/metrics`, in seconds. Shorter shows changes sooner, longer asks the bus less
        /// often. Default 15.
        pulse_secs: u64 = 15,
        /// Where people look at a trace, with `{trace_id}` in place of its id, such as
        /// `http://localhost:16686/trace/{trace_id}` for Jaeger: `millrace load` prints it. Default: the id alone.
        trace_url: Option<String> = None,
    }
}

section! {
    /// Whom lineage is told to, as OpenLineage events: see deploy/lineage. The standard's variables hold too, and go behind
    /// these: `OPENLINEAGE_URL`, `OPENLINEAGE_ENDPOINT`, `OPENLINEAGE_NAMESPACE`, `OPENLINEAGE_DISABLED`. A key is told as
    /// `OPENLINEAGE_API_KEY` only, so that it stands in no file.
    LineageSettings {
        /// The receiver, such as `http://marquez:5000`; `OPENLINEAGE_ENDPOINT` (`api/v1/lineage`) is put behind it. A receiver
        /// that is slow or away delays nothing: events wait for it in memory, 10,000 at most. Default: nobody.
        url: Option<String> = None,
        /// A file that events are appended to, a line of JSON each; nothing ever shortens it. Default: none.
        file: Option<PathBuf> = None,
        /// The namespace of the jobs. Give each plant or environment its own, or their runs are taken for one another's.
        /// Default `millrace`.
        namespace: Option<String> = None,
    }
}

impl RetrySettings {
    /// The policy that the settings describe.
    pub fn policy(&self) -> RetryPolicy {
        RetryPolicy {
            max_attempts: self.max_attempts,
            first_delay: Duration::from_millis(self.first_delay_millis),
            max_delay: Duration::from_secs(self.max_delay_secs),
        }
    }
}

impl BusSection {
    /// The settings as the bus takes them.
    pub fn open(&self) -> bus::BusSettings {
        bus::BusSettings {
            url: self.url.clone(),
            ca_file: self.ca_file.clone(),
            client_cert_file: self.client_cert_file.clone(),
            client_key_file: self.client_key_file.clone(),
            management_url: self.management_url.clone(),
            publish_timeout_secs: self.publish_timeout_secs,
        }
    }
}

impl ShutdownSettings {
    /// How long work in hand may take to end.
    pub fn drain(&self) -> Duration {
        Duration::from_secs(self.drain_secs)
    }
}

impl WarehouseSection {
    /// The settings as the warehouse takes them.
    pub fn open(&self) -> warehouse::WarehouseSettings {
        warehouse::WarehouseSettings {
            url: self.url.clone(),
            memory_limit_bytes: self.memory_limit_mb << 20,
            threads: self.threads,
            lock_wait_secs: self.lock_wait_secs,
            idle_close_millis: self.idle_close_millis,
        }
    }
}
