//! What an emulator does differently from its defaults.

/// What one emulator does differently from its defaults, which are the service's where the service has them.
#[derive(Debug, Clone, Default)]
pub struct EmulatorOptions {
    /// The user's public key as PEM. Without it, logins with a key are refused.
    pub public_key: Option<String>,
    /// For how many seconds a session token is good; an hour if unset.
    pub token_secs: Option<u32>,
    /// For how many seconds a master token is good; four hours if unset.
    pub master_secs: Option<u32>,
    /// After how long without a statement a transaction that others wait for is rolled back; 300 s if unset.
    pub idle_abort_secs: Option<f64>,
    /// After how long a query is answered with where to ask for its result; 45 s if unset.
    pub answer_after_secs: Option<f64>,
    /// Rows of a JSON result that come in the answer itself; 1,000 if unset.
    pub inline_rows: Option<u32>,
    /// Rows of each chunk that the others come in; 5,000 if unset.
    pub chunk_rows: Option<u32>,
    /// The databases that there are; any if empty.
    pub databases: Vec<String>,
    /// What follows a failed statement in a session with `TRANSACTION_ABORT_ON_ERROR`.
    pub aborted: Aborted,
    /// Keeps tables in files rather than in memory: for loads of a gigabyte.
    pub on_disk: bool,
}

/// What becomes of a transaction that an error has aborted.
#[derive(Debug, Clone, Copy, Default)]
pub enum Aborted {
    /// It is rolled back, later statements commit by themselves, and COMMIT does nothing and says that all is well: the
    /// worst that can be read into the documentation.
    #[default]
    RolledBack,
    /// Every later statement fails until COMMIT or ROLLBACK.
    Refuse,
}

impl EmulatorOptions {
    /// As arguments of the program.
    pub(super) fn arguments(&self) -> Vec<String> {
        let option = |name: &str, value: Option<String>| value.map(|value| format!("--{name}={value}"));
        let text = |value: Option<u32>| value.map(|value| value.to_string());
        let seconds = |value: Option<f64>| value.map(|value| value.to_string());
        let aborted = match self.aborted {
            Aborted::RolledBack => "rolled-back",
            Aborted::Refuse => "refuse",
        };
        let single = [
            option("public-key", self.public_key.clone()),
            option("token-secs", text(self.token_secs)),
            option("master-secs", text(self.master_secs)),
            option("idle-abort-secs", seconds(self.idle_abort_secs)),
            option("answer-after-secs", seconds(self.answer_after_secs)),
            option("inline-rows", text(self.inline_rows)),
            option("chunk-rows", text(self.chunk_rows)),
            option("aborted", Some(aborted.into())),
            self.on_disk.then(|| "--on-disk".into()),
        ];
        let databases = self.databases.iter().map(|name| format!("--database={name}"));
        single.into_iter().flatten().chain(databases).collect()
    }
}
