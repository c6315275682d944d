//! What a real registry says, open, with passwords, and over TLS.

use super::{client, parse, question, wait};
use crate::rig::engines::{self, Engine, skip};
use crate::rig::images;
use crate::rig::registry::{Access, Registry};
use crate::rig::scope::Scope;
use evenkeel::registry::{Registries, RegistryError, Settings};
use evenkeel::world::{Content, Remote};
use serde_json::json;

/// Runs a case with each sort of registry that can be had.
fn each(case: impl Fn(&Engine, &Scope, &Registry, Access)) {
    let engine = match engines::machine() {
        Ok(engine) => engine,
        Err(reason) => return skip("machine", &reason),
    };
    for access in [Access::Anyone, Access::Password, Access::Tls] {
        match Registry::start_for(access) {
            Ok(registry) => {
                let scope = Scope::new(&engine);
                images::bb(&engine);
                case(&engine, &scope, &registry, access);
            }
            Err(reason) => skip(&format!("a registry for {access:?}"), &reason),
        }
    }
}

fn pushed(engine: &Engine, scope: &Scope, registry: &Registry, version: &str) -> String {
    let dockerfile = format!("LABEL org.opencontainers.image.version={version}\nENV V={version}");
    let image = images::image_with(engine, scope, &format!("v{version}:1"), &dockerfile);
    registry.push(engine, &image, &format!("web:{version}"))
}

#[test]
fn a_tag_is_resolved_to_its_digest_and_its_content() {
    each(|engine, scope, registry, access| {
        let name = pushed(engine, scope, registry, "1.4.2");
        let registries = client(registry, access);
        let remote = wait(registries.resolve(&parse(&name), &question(&name, "linux/amd64")));
        let Ok(Remote::Found(found)) = remote else { panic!("{access:?}: {remote:?}") };
        let Content::Image(content) = &found.content else { panic!("{access:?}: {:?}", found.content) };
        assert_eq!(content.version.as_deref(), Some("1.4.2"));
        assert_eq!(content.platform, "linux/amd64");
        assert_eq!(content.manifest, found.digest);
        let id =
            engine.http().get(&format!("/images/{}/json", scope.name("v1.4.2:1"))).ok().json()["Id"].clone();
        assert_eq!(json!(content.config), id, "the classic store's id is the digest of the configuration");
        let asked = registries.requests();
        // What is known needs one HEAD.
        let mut known = question(&name, "linux/amd64");
        known.known.insert(found.digest.clone());
        let again = wait(registries.resolve(&parse(&name), &known)).expect("an answer");
        assert_eq!(again.digest(), Some(found.digest.as_str()));
        assert_eq!(registries.requests(), asked + 1);
        let missing =
            wait(registries.resolve(&parse(&registry.name("web:none")), &question("", "linux/amd64")));
        assert_eq!(missing, Ok(Remote::Missing));
        let tags = wait(registries.tags(&parse(&registry.name("web"))));
        assert_eq!(tags, Ok(vec!["1.4.2".to_owned()]));
    });
}

#[test]
fn who_is_not_let_in_is_told_what_to_do() {
    each(|engine, scope, registry, access| {
        let name = pushed(engine, scope, registry, "1");
        let stranger = Registries::new(Settings::default());
        let answer = wait(stranger.head(&parse(&name)));
        match access {
            Access::Anyone => assert!(answer.is_ok(), "{answer:?}"),
            Access::Password => {
                let Err(error @ RegistryError::Denied { .. }) = answer else { panic!("{answer:?}") };
                let hint = error.hint().unwrap_or_default();
                assert!(hint.contains(&format!("evenkeel login {}", registry.host())), "{hint}");
            }
            // Nobody said that this loopback speaks TLS: the plain question gets an answer that says so.
            Access::Tls => {
                let Err(RegistryError::Answered { status: 400, .. }) = &answer else { panic!("{answer:?}") };
            }
        }
    });
}

#[test]
fn an_index_is_resolved_for_the_platform_that_is_wanted() {
    each(|engine, scope, registry, access| {
        if access == Access::Tls {
            // The index below is written without TLS.
            return;
        }
        let amd64 = pushed(engine, scope, registry, "1");
        let arm64 = pushed(engine, scope, registry, "2");
        let registries = client(registry, access);
        let entry = |tag: &str, os: &str, architecture: &str| {
            json!({"mediaType": "application/vnd.docker.distribution.manifest.v2+json", "size": 528,
                "digest": registry.digest("web", tag), "platform": {"os": os, "architecture": architecture}})
        };
        let index = |entries: Vec<serde_json::Value>| {
            json!({"schemaVersion": 2,
            "mediaType": "application/vnd.docker.distribution.manifest.list.v2+json", "manifests": entries})
        };
        let first = vec![entry("1", "linux", "amd64"), entry("2", "linux", "arm64")];
        registry.put_manifest("web", "all", &index(first.clone()));
        let name = registry.name("web:all");
        let resolve = |platform: &str| {
            let remote =
                wait(registries.resolve(&parse(&name), &question(&name, platform))).expect("an answer");
            let Remote::Found(found) = remote else { panic!("{remote:?}") };
            found
        };
        let manifest = |content: &Content| match content {
            Content::Image(content) => content.manifest.clone(),
            other => panic!("{other:?}"),
        };
        let digest = |name: &str| wait(registries.head(&parse(name))).expect("a digest").digest;
        assert_eq!(manifest(&resolve("linux/amd64").content), digest(&amd64));
        assert_eq!(manifest(&resolve("linux/arm64").content), digest(&arm64));
        let Content::OtherPlatforms { wanted, there } = resolve("linux/s390x").content else { panic!("one") };
        assert_eq!(
            (wanted.as_str(), there),
            ("linux/s390x", vec!["linux/amd64".to_owned(), "linux/arm64".to_owned()])
        );
        // An attestation moves the tag and leaves the image as it is.
        let before = resolve("linux/amd64");
        let attested = first.into_iter().chain([entry("2", "unknown", "unknown")]).collect();
        registry.put_manifest("web", "all", &index(attested));
        let after = resolve("linux/amd64");
        assert_ne!(before.digest, after.digest);
        assert_eq!(before.content, after.content);
    });
}
