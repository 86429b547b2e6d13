//! The statements as a script, each with its reason.

use std::fmt::Write;

use super::Step;

const WIDTH: usize = 118;

/// The script: may be pasted into a worksheet and run as a whole, again and again.
pub fn print(steps: &[Step]) -> String {
    let mut script = String::from(
        "-- What millrace needs in a Snowflake account. Made by `millrace setup snowflake --print`.\n\
        -- Run it as a user with the role ACCOUNTADMIN, or with all roles that it names. It may be run again: it makes\n\
        -- what is missing, and leaves the rest as it is. Statements that are comments are suggestions.\n",
    );
    let (mut role, mut why) = ("", "");
    for step in steps {
        // A String takes all that is written to it.
        let _ = explain(&mut script, step, &mut role, &mut why);
    }
    script
}

fn explain<'a>(script: &mut String, step: &'a Step, role: &mut &'a str, why: &mut &'static str) -> std::fmt::Result {
    let told = *why == step.why;
    if !told {
        writeln!(script)?;
        for line in wrapped(step.why, "-- ") {
            writeln!(script, "{line}")?;
        }
        writeln!(script, "-- https://docs.snowflake.com/en/{}", step.page)?;
        *why = step.why;
    }
    if step.optional {
        // Complete in itself: whoever takes the comments away need not know which role was the last.
        let statement = format!("USE ROLE {}; {};", step.role, step.sql);
        return wrapped(&statement, "-- ").iter().try_for_each(|line| writeln!(script, "{line}"));
    }
    if *role != step.role {
        writeln!(script, "USE ROLE {};", step.role)?;
        *role = &step.role;
    }
    writeln!(script, "{};", step.sql)
}

/// Lines of at most [`WIDTH`] letters, where blanks allow it.
fn wrapped(text: &str, mark: &str) -> Vec<String> {
    let mut lines = vec![mark.to_owned()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.len() == mark.len() => line.push_str(word),
            Some(line) if line.len() + 1 + word.len() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!("{mark}{word}")),
        }
    }
    lines
}
