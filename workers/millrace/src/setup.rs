//! `millrace setup`: what the platform needs in places that are not its own.

use std::path::Path;

use messages::Failure;
use warehouse::WarehouseError;
use warehouse::snowflake::key::{KeyError, PrivateKey, PublicKey};
use warehouse::snowflake::setup::{self, Names, Step};
use warehouse::snowflake::{Admin, Secret, SnowflakeSettings};

use crate::End;
use crate::cli::{Setup, SetupSnowflake};
use crate::output::{self, Output};

pub async fn setup(what: Setup, output: &Output) -> Result<End, Failure> {
    match what {
        Setup::Snowflake(options) => snowflake(options, output).await,
    }
}

async fn snowflake(options: SetupSnowflake, output: &Output) -> Result<End, Failure> {
    let print = options.print;
    let names = names(options, variable)?;
    let steps = setup::steps(&names);
    if print {
        output.value(&steps, |steps| anstream::print!("{}", setup::print(steps)))?;
        return Ok(End::Good);
    }
    let admin = SnowflakeSettings::admin(variable)?;
    run(&admin, &steps, output).await?;
    if names.public_key.is_none() {
        output.note(&output::warn(
            "the user has no key yet and can't log in: make one (deploy/snowflake/README.md), and set it as `millrace \
            setup snowflake --print --private-key FILE` says",
        ));
    }
    Ok(End::Good)
}

/// Runs the steps in a session of the administrator.
async fn run(admin: &SnowflakeSettings, steps: &[Step], output: &Output) -> Result<(), WarehouseError> {
    let session = Admin::new(admin)?;
    let done = |number: usize, of: usize, step: &Step| output.note(&format!("{number:>3} of {of}  {}", step.sql));
    let end = setup::run(steps, async |sql: &str| session.execute(sql).await, done).await;
    session.close().await;
    end
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// What the objects are called: as the options say, else as the workers' variables say.
fn names(options: SetupSnowflake, variable: impl Fn(&str) -> Option<String>) -> Result<Names, Failure> {
    let standard = Names::default();
    let named =
        |given: Option<String>, name: &str, standard: String| given.or_else(|| variable(name)).unwrap_or(standard);
    let passphrase = variable("SNOWFLAKE_PRIVATE_KEY_PASSPHRASE").map(Secret::new);
    let private = |path: &Path| PrivateKey::read(path, passphrase.as_ref()).map(|key| key.public().clone());
    let public_key = match (&options.public_key, &options.private_key) {
        (Some(path), _) => Some(PublicKey::read(path)),
        (None, Some(path)) => Some(private(path)),
        (None, None) => {
            let path = variable("SNOWFLAKE_PRIVATE_KEY_PATH").or_else(|| variable("SNOWFLAKE_PRIVATE_KEY_FILE"));
            path.map(|path| private(Path::new(&path)))
        }
    };
    let names = Names {
        database: named(options.database, "SNOWFLAKE_DATABASE", standard.database),
        warehouse: named(options.warehouse, "SNOWFLAKE_WAREHOUSE", standard.warehouse),
        warehouse_size: options.warehouse_size,
        loader: named(options.role, "SNOWFLAKE_ROLE", standard.loader),
        reader: options.reader_role,
        user: named(options.user, "SNOWFLAKE_USER", standard.user),
        public_key: public_key.transpose().map_err(|error: KeyError| Failure::fatal(error.to_string()))?,
    };
    Ok(names.checked()?)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    fn named(line: &str, variables: &[(&str, &str)]) -> Result<Names, Failure> {
        let line = ["millrace", "setup", "snowflake"].into_iter().chain(line.split_whitespace());
        let Command::Setup(Setup::Snowflake(options)) = Cli::try_parse_from(line).unwrap().command else {
            panic!("another command");
        };
        names(options, |name| variables.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn names_come_from_options_then_variables() {
        let variables = [("SNOWFLAKE_DATABASE", "plant"), ("SNOWFLAKE_USER", "ingester"), ("SNOWFLAKE_ROLE", "ROLE_1")];
        let names = named("--print --user other --warehouse-size medium", &variables).unwrap();
        assert_eq!((names.database.as_str(), names.user.as_str(), names.loader.as_str()), ("PLANT", "OTHER", "ROLE_1"));
        assert_eq!((names.warehouse.as_str(), names.warehouse_size.as_str()), ("MILLRACE_WH", "MEDIUM"));
        assert!(names.public_key.is_none());
    }

    #[test]
    fn a_key_that_cannot_be_read_is_told() {
        for (line, variables) in [
            ("--private-key /no/key.p8", &[][..]),
            ("--public-key /no/key.p8", &[]),
            ("", &[("SNOWFLAKE_PRIVATE_KEY_PATH", "/no/key.p8")]),
        ] {
            let error = named(line, variables).unwrap_err();
            assert!(error.message.starts_with("/no/key.p8 can't be read"), "{error}");
        }
    }
}
