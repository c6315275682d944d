//! How long it takes to compile a tree of generated states: `cargo bench --bench compile`. The
//! goal is less than a second for 10,000 states, growing linearly.

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use evenkeel::state::{Inputs, compile};

fn main() {
    println!("states   as files   by template   one template, with requisites");
    let mut last = 0.0;
    for count in [1_000, 2_500, 5_000, 10_000] {
        let files = measure(&as_files(count));
        let template = measure(&by_template(count));
        let wired = measure(&wired(count));
        println!("{count:>6} {files:>7.0} ms {template:>10.0} ms {wired:>10.0} ms");
        last = files.max(template).max(wired);
    }
    println!(
        "10,000 states in {last:.0} ms (goal: 1000 ms): {}",
        if last < 1000.0 { "met" } else { "missed" }
    );
}

/// The best of three, in milliseconds.
fn measure(files: &[(String, String)]) -> f64 {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    let inputs = Inputs {
        files: vec![PathBuf::from("states/prod.yml")],
        folder: folder.path().to_owned(),
        ..Inputs::default()
    };
    let once = || {
        let start = Instant::now();
        let graph = compile(&inputs).unwrap_or_else(|problems| {
            panic!("{}", problems.iter().next().map(ToString::to_string).unwrap_or_default())
        });
        assert!(graph.order().len() > 100, "all states are there");
        start.elapsed().as_secs_f64() * 1e3
    };
    (0..3).map(|_| once()).fold(f64::INFINITY, f64::min)
}

/// Files of a hundred states each.
fn as_files(count: usize) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut includes = String::from("include:\n");
    for file in 0..count / 100 {
        let mut text = String::new();
        for n in 0..100 {
            let n = file * 100 + n;
            text.push_str(&format!(
                "web-{n}:\n  container.running:\n    image: shop/web:{}\n    ports: [\"{}:80\"]\n    env: {{A: \"{n}\", B: c}}\n    memory: 64m\n    restart: always\n",
                n % 20,
                10_000 + n
            ));
        }
        includes.push_str(&format!("  - part{file}\n"));
        files.push((format!("states/part{file}.yml"), text));
    }
    files.push(("states/prod.yml".to_owned(), includes));
    files
}

fn by_template(count: usize) -> Vec<(String, String)> {
    let text = format!(
        "{{% for n in range({count}) %}}\nweb-{{{{ n }}}}:\n  container.running:\n    image: shop/web:{{{{ n % 20 }}}}\n    ports: [\"{{{{ 10000 + n }}}}:80\"]\n    env: {{A: \"{{{{ n }}}}\", B: {{{{ env }}}}}}\n    memory: 64m\n{{% endfor %}}\n"
    );
    vec![("states/prod.yml".to_owned(), text)]
}

fn wired(count: usize) -> Vec<(String, String)> {
    let text = format!(
        "base:\n  network.present: {{}}\n{{% for n in range({count}) %}}\nweb-{{{{ n }}}}:\n  container.running:\n    image: shop/web:1\n    networks: [base]\n    require: [network: base{{% if n > 0 %}}, container: web-{{{{ n - 1 }}}}{{% endif %}}]\n    watch: [{{% if n > 9 %}}web-{{{{ n - 10 }}}}{{% endif %}}]\n{{% endfor %}}\n"
    );
    vec![("states/prod.yml".to_owned(), text)]
}
