//! The build script of every crate that links DuckDB: what is built finds the prebuilt library wherever it is started
//! from, beside itself or where it was found at build time.

fn main() {
    println!("cargo::rerun-if-env-changed=DUCKDB_LIB_DIR");
    println!("cargo::rustc-link-arg=-Wl,-rpath,$ORIGIN");
    if let Ok(folder) = std::env::var("DUCKDB_LIB_DIR") {
        // The folder is a link into the cache of the user, which outlives the checkout.
        let folder = std::fs::canonicalize(&folder).map_or(folder, |path| path.to_string_lossy().into_owned());
        println!("cargo::rustc-link-arg=-Wl,-rpath,{folder}");
    }
}
