//! Prometheus' own tool reads the rules, and plays them.

use std::process::Command;

use crate::files;

#[test]
fn prometheus_itself_reads_the_rules_and_they_fire_when_they_should() {
    if Command::new("promtool").arg("--version").output().is_err() {
        eprintln!("skipped: promtool is not installed (Debian: apt-get install prometheus)");
        return;
    }
    for arguments in
        [["check", "rules", "rules.yaml"], ["check", "config", "prometheus.yaml"], ["test", "rules", "rules_test.yaml"]]
    {
        let ended = Command::new("promtool").args(arguments).current_dir(files::path("prometheus")).output().unwrap();
        let text = [ended.stdout, ended.stderr].concat();
        assert!(ended.status.success(), "promtool {arguments:?}: {}", String::from_utf8_lossy(&text));
    }
}
