//! A throw-away mill: a warehouse with empty sources, and the project or a copy of it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use millrace_transform::dbt::{DbtSettings, DbtWarehouse};
use tempfile::TempDir;

/// The sources' columns.
pub const COLUMNS: &str = r#"{
    "MATERIALS": "material_id material_name material_type unit_of_measure standard_cost currency supplier_id lead_time_days created_at",
    "PRODUCTION_ORDERS": "production_order_id material_id plant line planned_quantity actual_quantity planned_start planned_end actual_start actual_end order_status priority",
    "BATCHES": "batch_id production_order_id material_id plant line shift quantity_produced quantity_rejected start_time end_time status operator_id temperature_c_avg pressure_bar_avg remarks"
}"#;

/// RAW as the platform makes it: every view is there before the first load.
const MAKE: &str = r#"
import json, sys, duckdb
with duckdb.connect(sys.argv[1]) as db:
    db.execute("create schema RAW")
    for table, names in json.loads(sys.argv[2]).items():
        typed = ", ".join(f"{name} varchar" for name in names.split())
        db.execute(
            f"create table RAW.{table} ({typed}, LOAD_ID varchar, SOURCE_FILE varchar, SOURCE_ROW bigint,"
            " LOADED_AT timestamp)"
        )
    db.execute("insert into RAW.MATERIALS (material_id) values ('M1')")
"#;

const WRITE: &str =
    "import sys, duckdb; duckdb.connect(sys.argv[1]).execute('create or replace table main.t as select 1')";

const HOLD: &str = "import sys, duckdb; db = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()";

/// The folder of this test and what is in it.
pub struct Mill {
    folder: TempDir,
    python: PathBuf,
    project: PathBuf,
    sidecar: PathBuf,
}

/// Somebody who has the DuckDB file open, until dropped.
pub struct Holder(Child);

impl Mill {
    pub fn new() -> Self {
        let transform = Path::new(env!("CARGO_MANIFEST_DIR"));
        let python = transform.join("../../.venv/bin/python");
        assert!(python.exists(), "these tests need dbt: run `make dbt`");
        let folder = TempDir::new().unwrap();
        let mill =
            Self { folder, python, project: transform.join("dbt"), sidecar: transform.join("sidecar/millrace_dbt.py") };
        assert!(mill.run(MAKE).arg(COLUMNS).status().unwrap().success());
        mill
    }

    /// A copy of the project, to be edited.
    pub fn with_own_project(mut self) -> Self {
        let copy = self.folder.path().join("dbt");
        copy_folder(&self.project, &copy);
        self.project = copy;
        self
    }

    /// A sidecar that no longer fits the installed dbt, say.
    pub fn with_broken_sidecar(mut self) -> Self {
        let folder = self.folder.path().join("sidecar");
        fs::create_dir(&folder).unwrap();
        for name in ["dbt_once.py", "patience.py"] {
            fs::copy(self.sidecar.with_file_name(name), folder.join(name)).unwrap();
        }
        self.sidecar = folder.join("millrace_dbt.py");
        fs::write(&self.sidecar, "raise ImportError('no such adapter')").unwrap();
        self
    }

    pub fn settings(&self) -> DbtSettings {
        DbtSettings {
            python: self.python.clone(),
            sidecar: self.sidecar.clone(),
            project_dir: self.project.clone(),
            warehouse: DbtWarehouse::DuckDb(self.database()),
            target_dir: self.folder.path().join("target"),
            timeout_secs: 120,
            warm: true,
        }
    }

    /// A program that does what this line of shell says.
    pub fn program(&self, line: &str) -> PathBuf {
        let path = self.folder.path().join("program");
        fs::write(&path, format!("#!/bin/sh\n{line}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    pub fn model(&self, name: &str, sql: &str) {
        fs::write(self.project.join(format!("models/marts/{name}.sql")), sql).unwrap();
    }

    pub fn yaml(&self, name: &str, text: &str) {
        fs::write(self.project.join(format!("models/marts/{name}.yml")), text).unwrap();
    }

    /// Another process writes to the file, which it can only if nobody else has it open.
    pub fn write(&self, why: &str) {
        assert!(self.run(WRITE).status().unwrap().success(), "{why}");
    }

    /// Whether somebody has the file open to write. Only looked at: whoever tried it would be in dbt's way.
    pub fn is_held(&self) -> bool {
        let inode = format!(":{} ", fs::metadata(self.database()).unwrap().ino());
        fs::read_to_string("/proc/locks").unwrap().lines().any(|lock| lock.contains("WRITE") && lock.contains(&inode))
    }

    /// Another process opens the file and keeps it open.
    pub fn hold(&self) -> Holder {
        let mut child = self.run(HOLD).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "held\n");
        Holder(child)
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("mill.duckdb")
    }

    fn run(&self, program: &str) -> Command {
        let mut command = Command::new(&self.python);
        command.args(["-c", program]).arg(self.database());
        command
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let copy = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_folder(&path, &copy);
        } else {
            fs::copy(&path, &copy).unwrap();
        }
    }
}
