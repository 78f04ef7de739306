//! Chat templates: what transformers offers them, where they come from, and those that mean harm.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::{
    disk::{self, Memory},
    zoo::{CPU, load_from},
};
use nomoat::{
    Error,
    format::{Checkpoint, Container, Value as Meta},
    text::chat::{Message, Template},
};
use serde_json::{Value, json};
use std::{fs, time::Instant};

fn checkpoint(template: &str) -> Checkpoint {
    let mut checkpoint = Checkpoint::new("test", Container::Safetensors);
    checkpoint.side.insert("chat_template.jinja".into(), template.into());
    checkpoint
}

fn messages(list: Value) -> Vec<Message> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|m| m.as_object().unwrap().clone())
        .collect()
}

fn user(text: &str) -> Vec<Message> {
    messages(json!([{"role": "user", "content": text}]))
}

fn rendered(template: &str, messages: &[Message]) -> Result<String, Error> {
    Template::open(&checkpoint(template))?.unwrap().render(messages, true)
}

#[test]
fn templates_see_what_transformers_shows_them() {
    for (template, expected) in [
        ("{{ messages[0]['content'] }}", "a <b> & 'c'"),
        ("{{ messages[0].role.upper() }}", "USER"),
        ("{{ messages[0].content.split(' ')[-1].strip(\"'\") }}", "c"),
        (
            "{{ messages[0].content.startswith('a') and not messages[0].content.endswith('a') }}",
            "True",
        ),
        ("{{ 'abc'.removeprefix('a').removesuffix('c') }}", "b"),
        ("{{ messages[0].content | tojson }}", "\"a <b> & 'c'\""),
        (
            "{{ {'b': [1, 2.5, true, none], 'a': {}} | tojson }}",
            r#"{"b": [1, 2.5, true, null], "a": {}}"#,
        ),
        (
            "{{ {'b': 1, 'a': '雪'} | tojson(sort_keys=true, ensure_ascii=true) }}",
            r#"{"a": "\u96ea", "b": 1}"#,
        ),
        (
            "{{ {'a': [1], 'b': []} | tojson(indent=2) }}",
            "{\n  \"a\": [\n    1\n  ],\n  \"b\": []\n}",
        ),
        ("{{ [1, 2] | tojson(separators=(',', ':')) }}", "[1,2]"),
        ("{{ none }} {{ true }} {{ undefined_thing }}", "None True "),
        (
            r#"{{ ['a', "it's", 1, 2.5, none] }}{{ {'k': [true]} }}"#,
            r#"['a', "it's", 1, 2.5, None]{'k': [True]}"#,
        ),
        ("{% if tools %}t{% elif tools is none %}none{% endif %}", "none"),
        ("{{ add_generation_prompt }}", "True"),
        ("{% if strftime_now is defined %}now{% else %}never{% endif %}", "never"),
        ("a\n  {% if true %}\nb\n  {% endif %}\nc", "a\nb\nc"),
        (
            "{% for i in range(5) %}{% if i == 3 %}{% break %}{% endif %}{{ i }}{% endfor %}",
            "012",
        ),
        (
            "{%- set ns = namespace(x=0) %}{% for m in messages %}{% set ns.x = ns.x + 1 %}{% endfor %}{{ ns.x }}",
            "1",
        ),
        (
            "{% macro f(x) %}<{{ x }}>{% endmacro %}{{ f(1) }}{{ f('2') }}",
            "<1><2>",
        ),
        ("x {%- generation -%} y {%- endgeneration %} z", "xy z"),
        ("{% generation %}y{% endgeneration %}{{ 'generation' }}", "ygeneration"),
        (
            "{{ messages | map(attribute='role') | join(',') }}{{ messages|length }}{{ messages[1:]|length }}",
            "user10",
        ),
        ("{{ messages[0].content | trim | replace('a', 'A') }}", "A <b> & 'c'"),
        (
            "{{ messages[0].get('name', 'nobody') }}{% for k, v in messages[0].items() %}{{ k }};{% endfor %}",
            "nobodyrole;content;",
        ),
        (
            "{{ 'x' if messages[0].content is string else 'y' }}{{ messages[0].content is mapping }}",
            "xFalse",
        ),
    ] {
        match rendered(template, &user("a <b> & 'c'")) {
            Ok(text) => assert_eq!(text, expected, "{template}"),
            Err(e) => panic!("{template}: {e}"),
        }
    }
}

#[test]
fn a_refusal_is_told_in_the_templates_own_words() {
    let template = "{% if messages|length > 0 %}{{ raise_exception('roles must alternate') }}{% endif %}";
    let error = rendered(template, &user("x")).unwrap_err();
    assert_eq!(error.code(), "bad-file");
    assert!(error.to_string().contains("roles must alternate"), "{error}");
    assert!(error.to_string().contains("chat_template.jinja"), "{error}");
    let error = rendered("{% if %}", &[]).unwrap_err();
    assert_eq!(error.code(), "bad-file");
}

#[test]
fn the_date_comes_from_the_caller() {
    let template = Template::open(&checkpoint(
        "{{ strftime_now('%d %b %Y|%A %-d %B %y|%H:%M:%S|%Y-%m-%d %I %p %j%%') }}",
    ));
    let template = template.unwrap().unwrap();
    for (seconds, expected) in [
        (0, "01 Jan 1970|Thursday 1 January 70|00:00:00|1970-01-01 12 AM %j%"),
        (
            951_782_399,
            "28 Feb 2000|Monday 28 February 00|23:59:59|2000-02-28 11 PM %j%",
        ),
        (
            951_782_400,
            "29 Feb 2000|Tuesday 29 February 00|00:00:00|2000-02-29 12 AM %j%",
        ),
        (
            1_735_689_599,
            "31 Dec 2024|Tuesday 31 December 24|23:59:59|2024-12-31 11 PM %j%",
        ),
        (
            1_772_323_200,
            "01 Mar 2026|Sunday 1 March 26|00:00:00|2026-03-01 12 AM %j%",
        ),
    ] {
        let reopened = Template::open(&checkpoint(
            "{{ strftime_now('%d %b %Y|%A %-d %B %y|%H:%M:%S|%Y-%m-%d %I %p %j%%') }}",
        ));
        assert_eq!(
            reopened.unwrap().unwrap().at(seconds).render(&[], true).unwrap(),
            expected
        );
    }
    assert!(template.render(&[], true).is_err());
}

#[test]
fn templates_are_found_in_every_place() {
    let mut plain = Checkpoint::new("test", Container::Safetensors);
    assert!(Template::open(&plain).unwrap().is_none());
    let config = json!({"bos_token": {"content": "<s>"}, "eos_token": "</s>", "pad_token": null,
        "chat_template": "{{ bos_token }}one{{ eos_token }}{{ pad_token }}"});
    plain
        .side
        .insert("tokenizer_config.json".into(), config.to_string().into());
    let text = |c: &Checkpoint| Template::open(c).unwrap().unwrap().render(&[], true).unwrap();
    assert_eq!(text(&plain), "<s>one</s>");
    let config =
        json!({"chat_template": [{"name": "tool_use", "template": "tools"}, {"name": "default", "template": "two"}]});
    plain
        .side
        .insert("tokenizer_config.json".into(), config.to_string().into());
    assert_eq!(text(&plain), "two");
    plain.side.insert("chat_template.jinja".into(), "three".into());
    assert_eq!(text(&plain), "three");
    let mut gguf = Checkpoint::new("test", Container::Gguf);
    gguf.meta.insert(
        "tokenizer.chat_template".into(),
        Meta::Str("{{ bos_token }}four".into()),
    );
    gguf.meta.insert(
        "tokenizer.ggml.tokens".into(),
        Meta::Strs(vec!["a".into(), "<b>".into()]),
    );
    gguf.meta.insert("tokenizer.ggml.bos_token_id".into(), Meta::Int(1));
    assert_eq!(text(&gguf), "<b>four");
    let mut none = Checkpoint::new("test", Container::Safetensors);
    let config = json!({"chat_template": [{"name": "rag", "template": "a"}, {"name": "tool_use", "template": "b"}]});
    none.side
        .insert("tokenizer_config.json".into(), config.to_string().into());
    let broken = Template::open(&none).unwrap().unwrap();
    assert_eq!(broken.render(&[], true).unwrap_err().code(), "bad-file");
}

#[test]
fn an_odd_optional_file_is_no_reason_to_refuse_a_model() {
    let Some(shared) = disk::shared() else { return };
    let mut files = Memory::default();
    for entry in fs::read_dir(shared.join("zoo/llama3")).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        files.0.insert(name, fs::read(entry.path()).unwrap());
    }
    files.0.insert(
        "generation_config.json".into(),
        r#"{"top_k": -1, "temperature": 0.6}"#.into(),
    );
    files.0.insert("chat_template.jinja".into(), "{% for".into());
    let model = load_from(&files, "", CPU).unwrap();
    let how = model.sampling();
    assert!(how.top_k == 40 && (how.temperature - 0.6).abs() < 1e-6);
    assert!(model.notes().len() == 1 && model.notes()[0].contains("generation_config.json: top_k"));
    assert!(model.info().chat && !model.prompt("Hello").unwrap().is_empty());
    let error = model.conversation(&user("Hello")).unwrap_err();
    assert_eq!(error.code(), "bad-file");
    assert!(error.to_string().contains("chat_template.jinja"), "{error}");
}

#[test]
fn more_variables_reach_the_template() {
    let template = Template::open(&checkpoint("{{ enable_thinking }} {{ tools[0].name }}"))
        .unwrap()
        .unwrap();
    let variables = json!({"enable_thinking": false, "tools": [{"name": "clock"}]});
    let text = template.render_with(&[], true, variables.as_object().unwrap()).unwrap();
    assert_eq!(text, "False clock");
}

#[test]
fn two_hundred_long_messages_fit_into_the_fuel() {
    // As elaborate as published templates are: checks of roles, slices, string methods and tool output per message.
    let template = "{%- set ns = namespace(last=-1, tools=false) %}
{%- for message in messages[::-1] %}
  {%- set index = (messages|length - 1) - loop.index0 %}
  {%- if ns.last < 0 and message.role == 'user' and message.content is string and not message.content.startswith('<tool>') %}
    {%- set ns.last = index %}
  {%- endif %}
{%- endfor %}
{%- for message in messages %}
  {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('alternate') }}{% endif %}
  {%- set content = message.content if message.content is string else '' %}
  {%- if '</think>' in content %}{%- set content = content.split('</think>')[-1].lstrip('\\n') %}{%- endif %}
  {{- '<|im_start|>' + message.role + '\\n' + content.strip() + '<|im_end|>' + '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}";
    let list: Vec<Value> = (0..200)
        .map(|i| json!({"role": if i % 2 == 0 { "user" } else { "assistant" }, "content": "word ".repeat(800)}))
        .collect();
    let text = rendered(template, &messages(Value::Array(list))).unwrap();
    assert!(text.len() > 790_000 && text.ends_with("<|im_start|>assistant\n"));
}

#[test]
fn templates_that_mean_harm_are_one_clear_error() {
    let deep = format!("{}x{}", "{% if true %}".repeat(5000), "{% endif %}".repeat(5000));
    let parens = format!("{{{{ {}1{} }}}}", "(".repeat(100_000), ")".repeat(100_000));
    let lists = format!("{{{{ {}{} }}}}", "[".repeat(100_000), "]".repeat(100_000));
    let not = format!("{{{{ {}true }}}}", "not ".repeat(100_000));
    let nots = format!("{{% if {} true %}}x{{% endif %}}", " not".repeat(60_000));
    let minus = format!("{{{{ {}1 }}}}", "-".repeat(100_000));
    let plus = format!("{{{{ 1{} }}}}", "+1".repeat(200_000));
    let dots = format!("{{{{ a{} }}}}", ".a".repeat(200_000));
    let filters = format!("{{{{ 'a'{} }}}}", "|upper".repeat(100_000));
    let long = "x".repeat(2 << 20);
    for template in [
        "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
        "{% for i in range(999999999999) %}{% endfor %}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% macro f() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}",
        "{{ 'x' * 9999999999 }}",
        "{{ ('x' * 1000000) * 1000000 }}",
        "{% set ns = namespace(x='x') %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x }}",
        "{% set ns = namespace() %}{% set ns.x = ns %}{{ ns|tojson }}{{ raise_exception('end') }}",
        "{% set ns = namespace() %}{% set ns.x = ns %}{{ ns }}{{ raise_exception('end') }}",
        "{% for i in range(9000) %}{{ 'x' * 200 }}{% endfor %}",
        "{% include 'chat' %}",
        "{% include '/etc/passwd' %}",
        "{% import 'x' as y %}{{ y }}",
        "{% extends 'chat' %}",
        "{{ ''.__class__.__mro__ }}{{ raise_exception('end') }}",
        "{{ 'a'.replace('', 'x' * 100000).replace('', 'x' * 100000) }}",
        "{{ '%999999999s' % 'x' }}",
        "{{ '{:>999999999}'.format('x') }}",
        "{{ '%999999999s'|format('x') }}",
        "{{ '%*s'|format(999999999, 'x') }}",
        "{{ '{:>{w}}'.format('x', w=999999999) }}",
        "{{ 'x'|center(999999999) }}",
        "{{ 'x'|indent(999999999) }}{{ 'a\nb'|indent(999999999) }}",
        "{{ [1]|tojson(indent=99999999999) }}{{ raise_exception('end') }}",
        "{{ 10 ** 10 ** 10 }}",
        "{{ 1 // 0 }}",
        "{{ 5 % 0 }}",
        "{{ messages[0].content.foo() }}",
        nots.as_str(),
        deep.as_str(),
        parens.as_str(),
        lists.as_str(),
        not.as_str(),
        minus.as_str(),
        plus.as_str(),
        dots.as_str(),
        filters.as_str(),
        long.as_str(),
    ] {
        let start = Instant::now();
        let head: String = template.chars().take(80).collect();
        println!("{head}");
        match rendered(template, &user("x")) {
            // Some are harmless after all, but none may write much.
            Ok(text) => assert!(text.len() < 300_000, "{head}: {} bytes", text.len()),
            Err(error) => {
                assert_eq!(error.code(), "bad-file", "{head}: {error}");
                println!("  {}", error.to_string().chars().take(200).collect::<String>());
            }
        }
        assert!(start.elapsed().as_secs() < 5, "{head}: {:?}", start.elapsed());
    }
    let endless = rendered(
        "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
        &[],
    );
    assert!(endless.unwrap_err().to_string().contains("expected an end within"));
}
