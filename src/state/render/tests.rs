//! What templates may do, on trees in temporary folders.

use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;

use crate::state::yaml::Places;
use crate::state::{Grains, Inputs, Rendered, render};

/// Renders `states/prod.yml` of a tree of the given files.
fn tree(files: &[(&str, &str)], change: impl Fn(&mut Inputs)) -> Result<Vec<Rendered>, String> {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    let mut inputs = Inputs {
        files: vec![PathBuf::from("states/prod.yml")],
        folder: folder.path().to_owned(),
        ..Inputs::default()
    };
    change(&mut inputs);
    render(&inputs).map_err(|problems| {
        let shown: Vec<_> = problems.iter().map(ToString::to_string).collect();
        shown.join("\n")
    })
}

/// The text that one template renders to, or what is wrong.
fn one(template: &str) -> String {
    with(&[], template)
}

/// Renders a template under a key, so that whatever it prints is a comment.
fn with(more: &[(&str, &str)], template: &str) -> String {
    let text = template.replace('\n', "\n# ");
    let mut files = vec![("states/prod.yml", format!("# {text}"))];
    files.extend(more.iter().map(|(name, text)| (*name, (*text).to_owned())));
    let files: Vec<_> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    match tree(&files, |_| {}) {
        Ok(rendered) => rendered[0].text.text.trim_start_matches("# ").replace("\n# ", "\n"),
        Err(problems) => problems,
    }
}

const PILLAR: (&str, &str) = (
    "states/pillar/prod.yml",
    "web:\n  image: app:1\n  ports: [\"80:80\", \"443:443\"]\n  tls: true\n  version: 1.10\nlog_level: info\n",
);

#[test]
fn values_print_as_yaml() {
    for (template, expected) in [
        ("{{ true }} {{ 1 == 2 }} {{ 1.5 }} {{ 7 }}", "true false 1.5 7"),
        ("{{ [1, 'a', none] }} {{ {'b': [true]} }}", r#"[1,"a",null] {"b":[true]}"#),
        ("{{ \"it's <b>\" }}", "it's <b>"),
        ("{{ '<&>' | tojson }} {{ 'a' | json }} {{ [1] | yaml(False) }}", r#""<&>" "a" [1]"#),
        (
            "{{ 'a\"b' | yaml_dquote }} {{ \"a'b\" | yaml_squote }} {{ 1 | yaml_encode }}",
            r#""a\"b" 'a''b' 1"#,
        ),
    ] {
        assert_eq!(one(template), expected, "{template}");
    }
    assert!(one("{{ none }}").contains("this value is none"));
    assert!(with(&[PILLAR], "{{ pillar.get('nope') }}").contains("this value is none"));
}

#[test]
fn pillar_is_read_in_every_spelling() {
    for (template, expected) in [
        ("{{ pillar.web.image }} {{ pillar['web']['image'] }}", "app:1 app:1"),
        ("{{ pillar.get('web:image') }} {{ pillar.get('web:nope', 'd') }}", "app:1 d"),
        ("{{ salt['pillar.get']('web:ports:1') }} {{ salt.pillar.get('x:y', default='z') }}", "443:443 z"),
        ("{{ pillar.web.version }} {{ pillar.web.tls }}", "1.10 true"),
        ("{% for k, v in pillar.web.items() %}{{ k }};{% endfor %}", "image;ports;tls;version;"),
        ("{% for k in pillar %}{{ k }};{% endfor %}{{ 'web' in pillar }}", "web;log_level;true"),
        ("{{ salt['pillar.get']('web', {'image': 'x', 'more': 1}, merge=True).more }}", "1"),
        ("{{ pillar.nope | default('d') }} {{ pillar.nope is defined }}", "d false"),
        ("{% if pillar.get('nope') or salt['pillar.get']('web:nope') %}x{% else %}y{% endif %}", "y"),
    ] {
        assert_eq!(with(&[PILLAR], template), expected, "{template}");
    }
}

#[test]
fn pillar_is_merged_deeply() {
    let common = ("pillar/common.yml", "web: {image: app:0, restart: always}\nlist: [1, 2]\n");
    let prod = ("pillar/prod.yml", "web: {image: app:1}\nlist: [3]\nenv: {{ env }}\n");
    let rendered = tree(&[common, prod, ("states/prod.yml", "# {{ pillar.items() | list }}")], |inputs| {
        inputs.pillar = vec![("web.image".to_owned(), "app:2".to_owned()), ("n".to_owned(), "[1]".to_owned())]
    });
    assert_eq!(
        rendered.expect("no mistake")[0].text.text,
        r#"# [["web",{"image":"app:2","restart":"always"}],["list",[3]],["env","prod"],["n",[1]]]"#
    );
}

#[test]
fn what_may_be_a_boolean_in_pillar_must_be_said() {
    insta::assert_snapshot!(with(&[("states/pillar/prod.yml", "a: no\n")], "{{ pillar.a }}"), @r#"
    error: `no` may be a word or false
      --> states/pillar/prod.yml:1:4
       1 | a: no
              ^
      hint: write false, or "no" in quotes
    "#);
    assert_eq!(with(&[("states/pillar/prod.sls", "a: no\n")], "{{ pillar.a }}"), "false");
}

#[test]
fn grains_come_from_a_file_or_from_an_engine() {
    let files = [(
        "states/prod.yml",
        "# {{ grains['os'] }} {{ salt['grains.filter_by']({'Debian': {'a': 1}, 'default': {'b': 2}}, grain='os') }}",
    )];
    let given = tree(&files, |inputs| inputs.grains = Grains::Given(serde_json::json!({"os": "Debian"})));
    assert_eq!(given.expect("no mistake")[0].text.text, "# Debian {\"a\":1}");
    insta::assert_snapshot!(one("{{ grains.os }}"), @r"
    error: grains are facts of an engine, and there is none to ask
      --> states/prod.yml:1:6
       1 | # {{ grains.os }}
                ^
      hint: give them with --grains FILE, or name an engine with --host
    ");
    assert!(one("{{ grains.get('os', 'x') }}").contains("there is none to ask"));
    assert!(one("{{ grains.os | default('x') }}").contains("there is none to ask"));
}

#[test]
fn variables_tell_where_a_template_stands() {
    let files = [
        ("states/prod.yml", "include: [web.front]\nproject: shop\n"),
        (
            "states/web/front.yml",
            "# {{ env }} {{ project }} {{ sls }} {{ slspath }} {{ tpldir }} {{ tplroot }} {{ tplfile }}",
        ),
    ];
    let rendered = tree(&files, |inputs| inputs.env = Some("qa".to_owned())).expect("no mistake");
    assert_eq!(rendered[1].text.text, "# qa shop web.front web web web web/front.yml");
}

#[test]
fn macros_and_files_are_found_beside_the_file_first() {
    let map = (
        "states/map.jinja",
        "{% macro port(n) %}{{ n }}:{{ n }}{% endmacro %}{% set d = {'a': pillar.log_level} %}",
    );
    for (template, expected) in [
        ("{% from 'map.jinja' import port, d with context %}{{ port(80) }} {{ d.a }}", "80:80 info"),
        ("{% import 'map.jinja' as m %}{{ m.port(1) }}", "1:1"),
        ("{% from tpldir ~ '/map.jinja' import port %}{{ port(2) }}", "2:2"),
        ("{% import_yaml 'data.yml' as data %}{{ data.list[0] }}", "1"),
        ("{% import_json 'data.json' as data %}{{ data.a }}", "b"),
        ("{% import_text 'data.json' as data %}{{ data | trim }}", r#"{"a": "b"}"#),
        (
            "{% load_yaml as x %}{a: [1, yes], b: {{ env }}}{% endload %}{{ x }}",
            r#"{"a":[1,"yes"],"b":"prod"}"#,
        ),
        ("{% set x = '{\"a\": 1}' | load_json %}{{ x.a }}", "1"),
        ("{% include 'part.txt' %}", "part of prod"),
    ] {
        let template = template.replace("yes]", "\"yes\"]");
        let files = [
            PILLAR,
            map,
            ("states/data.yml", "list: [1, 2]\n"),
            ("states/data.json", "{\"a\": \"b\"}\n"),
            ("states/part.txt", "part of {{ env }}"),
        ];
        assert_eq!(with(&files, &template), expected, "{template}");
    }
}

#[test]
fn nothing_outside_of_the_tree_is_read() {
    for name in ["../../../etc/hostname", "/etc/hostname", "../../x"] {
        let told = one(&format!("{{% include '{name}' %}}"));
        assert!(told.contains("non-existing template"), "{told}");
        let told = one(&format!("{{% import_text '{name}' as x %}}"));
        assert!(told.contains("there is no file"), "{told}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("states")).expect("a folder");
    std::os::unix::fs::symlink("/etc/hostname", folder.path().join("states/link.txt")).expect("a link");
    fs::write(folder.path().join("states/prod.yml"), "{% include 'link.txt' %}").expect("a file");
    let inputs = Inputs {
        files: vec!["states/prod.yml".into()],
        folder: folder.path().to_owned(),
        ..Inputs::default()
    };
    let told = render(&inputs).map(|_| ()).expect_err("a mistake");
    assert!(told.iter().any(|problem| problem.message.contains("a link leads out of the tree")), "{told:?}");
}

#[test]
fn lists_and_maps_grow_as_in_python() {
    for (template, expected) in [
        (
            "{% set l = [] %}{% for i in range(3) %}{% do l.append(i) %}{% endfor %}{{ l }} {{ l | length }}",
            "[0,1,2] 3",
        ),
        ("{% set d = {'a': 1} %}{% do d.update({'b': 2}) %}{{ d }}", r#"{"a":1,"b":2}"#),
        ("{% set d = {} %}{% set _ = d.update(c=3) %}{{ d.c }}", "3"),
        ("{% set d = {'l': []} %}{% do d.l.append(1) %}{% do d['l'].extend([2]) %}{{ d }}", r#"{"l":[1,2]}"#),
        ("{% set l = [3, 1] %}{% do l.insert(0, 2) %}{{ l.pop() }} {{ l | sort | join(',') }}", "1 2,3"),
        ("{% set d = {} %}{% do d.setdefault('k', []).append(1) %}{{ d.items() | list }}", r#"[["k",[1]]]"#),
        ("{% set d = {'a': 1} %}{{ d.pop('a') }}{{ d.get('a', 'x') }}{{ d.keys() | list }}", "1x[]"),
        ("{% set d = {} %}{% do d.update({'s': d}) %}{{ d }}", r#"{"s":{}}"#),
        (
            "{% set n = namespace(l=[]) %}{% set n.l = n.l + [1] %}{% if false %}{% do n.l.append(1) %}{% endif %}{{ n.l }}",
            "[1]",
        ),
    ] {
        assert_eq!(one(template), expected, "{template}");
    }
    insta::assert_snapshot!(with(&[PILLAR], "{% do pillar.web.update({'a': 1}) %}"));
}

#[test]
fn filters_of_salt_work() {
    for (template, expected) in [
        (r"{{ 'web-12' | regex_replace('([a-z]+)-(\\d+)', '\\2-\\1') }}", "12-web"),
        ("{{ 'abcd' | regex_search('B(.)', ignorecase=True) }}", r#"["c"]"#),
        ("{{ ('abcd' | regex_match('b(.)')) is none }}", "true"),
        ("{{ 'yes' | to_bool }} {{ 'off' | to_bool }}", "true false"),
        ("{{ 'a' | sha256 | truncate(8, true, '') if false else ('a' | sha256)[:8] }}", "ca978112"),
        ("{{ 'abc' | base64_encode }} {{ 'YWJj' | base64_decode }}", "YWJj abc"),
        (
            "{{ [1, 2] | union([2, 3]) }} {{ [1, 2] | intersect([2, 3]) }} {{ [1, 2] | difference([2]) }}",
            "[1,2,3] [2] [1]",
        ),
        ("{{ [1, [2, [3]]] | flatten }}", "[1,2,3]"),
        ("{{ 'a' | path_join('b', 'c') }} {{ ['/x', 'y'] | path_join }}", "a/b/c /x/y"),
        ("{{ \"it's\" | quote }} {{ 'a' | quote }}", "'it'\"'\"'s' a"),
        ("{{ {'a': {'b': 1}} | merge({'a': {'c': 2}}) }}", r#"{"a":{"b":1,"c":2}}"#),
        (
            "{{ 'a,b'.split(',') }} {{ 'abc'.startswith('a') }} {{ '{}-{}'.format(1, 2) }}",
            r#"["a","b"] true 1-2"#,
        ),
    ] {
        assert_eq!(one(template), expected, "{template}");
    }
}

#[test]
fn mistakes_point_into_the_template() {
    insta::assert_snapshot!(with(&[PILLAR], "a\n{{ pillar.web.imgae }}"));
    insta::assert_snapshot!(with(&[PILLAR], "{{ pillar.nope }}"));
    insta::assert_snapshot!(one("{{ nope }}"));
    insta::assert_snapshot!(one("{{ 'x' | tojsn }}"));
    insta::assert_snapshot!(one("{{ '%s' % 'x' }}"));
    insta::assert_snapshot!(one("a\n{% if x %}\nb"));
    insta::assert_snapshot!(one("{{ salt['cmd.run']('ls') }}"));
    insta::assert_snapshot!(one("{{ salt['environ.get']('HOME') }}"));
    insta::assert_snapshot!(one("{{ raise('no such region') }}"));
    insta::assert_snapshot!(one("{% foo %}"));
    insta::assert_snapshot!(with(
        &[("states/m.jinja", "\n{% macro m() %}{{ nope }}{% endmacro %}")],
        "{% from 'm.jinja' import m %}{{ m() }}"
    ));
    insta::assert_snapshot!(one("{% load_yaml as x %}a: [1{% endload %}"));
    insta::assert_snapshot!(with(&[("states/pillar/prod.yml", "a: {{ pillar.b }}")], "x{{ 1 }}"));
}

#[test]
fn runaway_templates_end() {
    for template in [
        "{% for i in range(100000) %}{% for j in range(1000) %}{{ j }}{% endfor %}{% endfor %}",
        "{% macro r(n) %}{{ r(n) }}{% endmacro %}{{ r(1) }}",
        "{{ range(100000000) | list | length }}",
        "{% include 'prod.yml' %}",
        "{% set l = [] %}{% for i in range(40) %}{% do l.append(l) %}{% endfor %}{{ l }}",
    ] {
        let told = one(template);
        assert!(told.starts_with("error:"), "{template}: {told}");
    }
    for template in [
        format!("{{{{ {}1{} }}}}", "(".repeat(5_000), ")".repeat(5_000)),
        format!("{}x", "{% if true %}".repeat(5_000)),
        format!("{{{{ {}1{} }}}}", "[".repeat(5_000), "]".repeat(5_000)),
        format!("{{{{ {}true }}}}", "not ".repeat(5_000)),
        format!("{{{{ {}1 }}}}", "-".repeat(5_000)),
        format!("{{{{ x{} }}}}", ".a".repeat(5_000)),
        format!("{{{{ 'x'{} }}}}", " | upper".repeat(5_000)),
        format!("{{{{ 1{} }}}}", " ~ 1".repeat(5_000)),
    ] {
        let _ = one(&template);
    }
}

#[test]
fn rendered_lines_know_their_template_lines() {
    let files = [
        (
            "states/prod.yml",
            "{% set n = 2 -%}\n{# c #}\n# base\n{%- for i in range(n) %}\n#  web-{{ i }}:\n#    image: {{ 'x' }}\n{%- if i == 1 %}\n#    ports:\n{%- endif %}\n{%- endfor %}\n{% include 'inc.sls' %}\n# end: {{- ' ' ~ n }}\n",
        ),
        ("states/inc.sls", "# inc\n# from: {{ 1 }}\n"),
    ];
    let rendered = tree(&files, |_| {}).expect("no mistake").remove(0);
    let shown: Vec<_> = rendered
        .text
        .text
        .lines()
        .enumerate()
        .map(|(n, line)| {
            format!("{:<22} {line}", rendered.place(u32::try_from(n).unwrap_or(0) + 1, 3).to_string())
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n"));
}

proptest! {
    #[test]
    fn arbitrary_templates_never_panic(text in "[-a-c {}%#'\"|().,:=\n~0\\[\\]]{0,60}") {
        let _ = one(&text);
    }

    #[test]
    fn arbitrary_statements_never_panic(
        parts in proptest::collection::vec(
            prop_oneof![
                Just("{% set x = [] %}"), Just("{% load_yaml as x %}"), Just("{% endload %}"), Just("{{ x }}"),
                Just("{% do x.append(1) %}"), Just("{% for i in x %}"), Just("{% endfor %}"), Just("{{- 1 -}}"),
                Just("{% raw %}"), Just("{% endraw %}"), Just("{% if x %}"), Just("{% endif %}"), Just("a: 1\n"),
                Just("{% import_yaml 'prod.yml' as x %}"), Just("{% set x %}"), Just("{% endset %}"), Just("é: [\n"),
                Just("{{ pillar.get('a') }}"), Just("{% macro m() %}"), Just("{% endmacro %}"), Just("{{ m() }}"),
                Just("{% set y = x %}"), Just("\u{fdd0}"), Just("{{ '\u{e000}' }}"), Just("{%- do y.update(x) -%}"),
            ],
            0..12,
        )
    ) {
        let _ = one(&parts.concat());
    }
}

#[test]
fn a_secret_is_handed_on_and_put_together() {
    for (template, expected) in [
        ("{{ secret('db') }}", "(secret db)"),
        ("{{ 'pg://' ~ secret('db') ~ '@h' }}", "pg://(secret db)@h"),
        ("{{ {'A': secret('db')} | tojson }}", r#"{"A":"(secret db)"}"#),
        ("{% set x = secret('db') %}{{ x | default('y') }}", "(secret db)"),
        ("{{ [secret('a'), 'b'] | join('-') }} {{ [secret('a')] | first }}", "(secret a)-b (secret a)"),
        ("{% for name in ['a', 'b'] %}{{ secret(name) }}{% endfor %}", "(secret a)(secret b)"),
        ("{% if secret('a') %}yes{% endif %}", "yes"),
        ("{{ 'u:{}'.format(secret('a')) }} {{ 'u-%s' | format(secret('a')) }}", "u:(secret a) u-(secret a)"),
        ("{% load_yaml as x %}{a: \"{{ secret('b') }}\"}{% endload %}{{ x.a }}", "(secret b)"),
        ("{{ 'the secret' | length }} {{ 'secret' == 'x' }}", "10 false"),
    ] {
        assert_eq!(crate::source::shown_tokens(&one(template)), expected, "{template}");
    }
}

#[test]
fn nothing_looks_into_a_secret() {
    for (template, told) in [
        ("{{ secret('a') | base64_encode }}", "the filter `base64_encode` would have to look into a secret"),
        ("{{ ('x' ~ secret('a')) | upper }}", "the filter `upper`"),
        ("{{ secret('a') | length }}", "the filter `length`"),
        ("{{ [secret('a')] | map('sha256') | list }}", "the filter `sha256`"),
        ("{{ secret('a').upper() }}", "the method `upper`"),
        ("{{ secret('a').startswith('x') }}", "the method `startswith`"),
        ("{{ secret('a') is eq 'x' }}", "the test `eq`"),
        ("{{ 'x' is in secret('a') }}", "look into a secret"),
        ("{{ ['x', secret('a')] | select('eq', 'x') | list }}", "the test `eq`"),
        ("{% if secret('a') == 'x' %}{% endif %}", "a comparison would have to look into a secret"),
        ("{{ 'x' in secret('a') }}", "a comparison"),
        ("{{ secret('a')[:3] }}", "an expression in this template looks into a secret"),
        ("{% set x = secret('a') %}{{ x[1:] ~ 'b' }}", "an expression in this template looks into a secret"),
        ("{{ secret('a b') }}", "`a b` cannot be the name of a secret"),
        ("{{ secret() }}", "missing argument"),
    ] {
        let problem = one(template);
        assert!(problem.contains(told), "{template}: {problem}");
        assert!(problem.contains("states/prod.yml:1:"), "{template}: {problem}");
    }
}

#[test]
fn a_file_holds_no_characters_that_secrets_are_made_of() {
    let problem = one(&format!("a: {}", crate::source::token("x")));
    assert!(problem.contains("the character U+100000 cannot stand here"), "{problem}");
    assert!(problem.contains("states/prod.yml:1:"), "{problem}");
}
