//! Who may do what: roles, their rights, the user, and limits.

use super::{Names, SCHEMAS, Steps};

const GRANT: &str = "sql-reference/sql/grant-privilege";
const GRANT_ROLE: &str = "sql-reference/sql/grant-role";
const PRIVILEGES: &str = "user-guide/security-access-control-privileges";

/// What the loader may do in each schema beside using it. It owns what it makes, and needs no right on that.
const CREATES: [(&str, &str); 5] = [
    ("RAW_RUN", "CREATE TABLE, CREATE STAGE"),
    ("RAW", "CREATE TABLE, CREATE VIEW"),
    ("STAGING", "CREATE TABLE, CREATE VIEW"),
    ("CORE", "CREATE TABLE, CREATE VIEW"),
    ("MARTS", "CREATE TABLE, CREATE VIEW"),
];

/// What readers see. RAW_RUN (every load, also the wrong ones) and STAGING are nobody's to build on.
const READ: [&str; 3] = ["RAW", "CORE", "MARTS"];

pub(super) fn roles(list: &mut Steps, names: &Names) {
    let why = [
        "The workers' and dbt's role: loads, models, audits, in one database.",
        "The role of people and reports: reads what is current.",
    ];
    for (role, why) in [&names.loader, &names.reader].into_iter().zip(why) {
        list.add("USERADMIN", "sql-reference/sql/create-role", why, format!("CREATE ROLE IF NOT EXISTS {role}"));
    }
    for role in [&names.loader, &names.reader] {
        list.add(
            "SECURITYADMIN",
            "user-guide/security-access-control-considerations",
            "Administrators can look after what the role owns, and what follows here can be run as it.",
            format!("GRANT ROLE {role} TO ROLE SYSADMIN"),
        );
    }
}

pub(super) fn loader(list: &mut Steps, names: &Names) {
    let Names { database, warehouse, loader, .. } = names;
    let mut grant = |page, why, rights: &str, on: String| {
        list.add("SECURITYADMIN", page, why, format!("GRANT {rights} ON {on} TO ROLE {loader}"));
    };
    grant(
        PRIVILEGES,
        "USAGE runs statements on it and wakes it; it can't be resized or dropped with that.",
        "USAGE",
        format!("WAREHOUSE {warehouse}"),
    );
    grant(PRIVILEGES, "USAGE lets its schemas be seen; it makes none.", "USAGE", format!("DATABASE {database}"));
    for (schema, creates) in CREATES {
        grant(
            GRANT,
            match schema {
                "RAW_RUN" => "A table for each contract; the locks and the stage once.",
                "RAW" => "The audits, and a view for each contract.",
                _ => "dbt makes its models here, and replaces them.",
            },
            &format!("USAGE, {creates}"),
            format!("SCHEMA {database}.{schema}"),
        );
    }
}

pub(super) fn reader(list: &mut Steps, names: &Names) {
    let Names { database, reader, .. } = names;
    let mut grant = |why, rights: &str, on: String| {
        list.add("SECURITYADMIN", GRANT, why, format!("GRANT {rights} ON {on} TO ROLE {reader}"));
    };
    grant("Readers find the database.", "USAGE", format!("DATABASE {database}"));
    for schema in READ {
        grant("Readers find the schemas.", "USAGE", format!("SCHEMA {database}.{schema}"));
    }
    let why = [
        "What is made later. dbt replaces its tables at every build, and a replaced one is a new one.",
        "What is there already.",
    ];
    for (when, why) in ["FUTURE", "ALL"].into_iter().zip(why) {
        for schema in READ {
            for kind in ["TABLES", "VIEWS"] {
                grant(why, "SELECT", format!("{when} {kind} IN SCHEMA {database}.{schema}"));
            }
        }
    }
    list.suggest(
        "SECURITYADMIN",
        GRANT,
        "Better: give readers a warehouse of their own, so that nobody waits for a report and its cost is told apart.",
        format!("GRANT USAGE ON WAREHOUSE {} TO ROLE {reader}", names.warehouse),
    );
}

pub(super) fn user(list: &mut Steps, names: &Names) {
    let Names { user, loader, warehouse, database, public_key, .. } = names;
    let key = public_key.as_ref().map(|key| format!(" RSA_PUBLIC_KEY = '{}'", key.base64())).unwrap_or_default();
    list.add(
        "USERADMIN",
        "sql-reference/sql/create-user",
        "A user for programs: TYPE = SERVICE has no password and no second factor, and logs in by key. No secondary roles: \
        he can do what his role can, and nothing that other roles could. A user that is there stays as he is.",
        format!(
            "CREATE USER IF NOT EXISTS {user} TYPE = SERVICE{key} DEFAULT_ROLE = {loader} DEFAULT_WAREHOUSE = {warehouse} \
            DEFAULT_NAMESPACE = {database} DEFAULT_SECONDARY_ROLES = ()"
        ),
    );
    list.add("SECURITYADMIN", GRANT_ROLE, "The user works in the role.", format!("GRANT ROLE {loader} TO USER {user}"));
    let page = "user-guide/key-pair-auth";
    match public_key {
        None => list.suggest(
            "SECURITYADMIN",
            page,
            "The user can't log in before he has a key: `millrace setup snowflake --print --private-key rsa_key.p8` fills \
            it in.",
            format!("ALTER USER {user} SET RSA_PUBLIC_KEY = '<the public key, on one line>'"),
        ),
        Some(key) => list.suggest(
            "SECURITYADMIN",
            page,
            "If the user was there already: this gives him the key too, beside the one he has, which goes on working.",
            format!("ALTER USER {user} SET RSA_PUBLIC_KEY_2 = '{}'", key.base64()),
        ),
    }
}

/// What an account's administrator should think of, and nobody can decide for him.
pub(super) fn limits(list: &mut Steps, names: &Names) {
    let Names { user, warehouse, .. } = names;
    let monitor = "user-guide/resource-monitors";
    list.suggest(
        "ACCOUNTADMIN",
        monitor,
        "An upper limit: at 100 percent the warehouse finishes what it runs, and then stands still until the month ends or the \
        quota is raised. Loads fail meanwhile, are dead-lettered, and can be replayed. 100 credits are about 3 hours of \
        XSMALL a day.",
        "CREATE RESOURCE MONITOR IF NOT EXISTS MILLRACE_LIMIT WITH CREDIT_QUOTA = 100 FREQUENCY = MONTHLY \
        START_TIMESTAMP = IMMEDIATELY TRIGGERS ON 80 PERCENT DO NOTIFY ON 100 PERCENT DO SUSPEND",
    );
    list.suggest(
        "ACCOUNTADMIN",
        monitor,
        "The limit holds for this warehouse.",
        format!("ALTER WAREHOUSE {warehouse} SET RESOURCE_MONITOR = MILLRACE_LIMIT"),
    );
    let policy = "user-guide/network-policies";
    list.suggest(
        "SECURITYADMIN",
        policy,
        "From where the user may log in: the addresses behind which your workers stand.",
        "CREATE NETWORK POLICY IF NOT EXISTS MILLRACE_WORKERS ALLOWED_IP_LIST = ('203.0.113.0/24')",
    );
    list.suggest(
        "SECURITYADMIN",
        policy,
        "A stolen key is worth nothing elsewhere.",
        format!("ALTER USER {user} SET NETWORK_POLICY = MILLRACE_WORKERS"),
    );
}

const _: () = assert!(CREATES.len() == SCHEMAS.len());
