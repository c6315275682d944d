//! Moving tags and images between repositories: same bytes, same digest.

use super::{client, parse, wait};
use crate::rig::engines::{self, skip};
use crate::rig::images;
use crate::rig::registry::{Access, Registry};
use crate::rig::scope::Scope;

#[test]
fn a_manifest_moves_with_its_bytes() {
    let engine = match engines::machine() {
        Ok(engine) => engine,
        Err(reason) => return skip("machine", &reason),
    };
    for access in [Access::Anyone, Access::Password, Access::Tls] {
        let registry = match Registry::start_for(access) {
            Ok(registry) => registry,
            Err(reason) => {
                skip(&format!("a registry for {access:?}"), &reason);
                continue;
            }
        };
        let scope = Scope::new(&engine);
        images::bb(&engine);
        let image = images::image_with(&engine, &scope, "v1:1", "ENV V=1");
        let name = parse(&registry.push(&engine, &image, "shop/web:1"));
        let registries = client(&registry, access);
        wait(async {
            let manifest = registries.manifest(&name).await.expect("a manifest");
            // Another tag of the same repository takes the manifest alone.
            let prod = parse(&registry.name("shop/web:prod"));
            registries.put_manifest(&prod, &manifest).await.expect("the tag is moved");
            assert_eq!(registries.head(&prod).await.expect("a digest").digest, manifest.digest);
            // Another repository has nothing of it yet.
            let other = parse(&registry.name("live/web:1"));
            registries.put_manifest(&other, &manifest).await.expect_err("its layers are not there");
            registries.copy_content(&manifest, &name, &other).await.expect("the content is mounted");
            registries.put_manifest(&other, &manifest).await.expect("the tag is made");
            assert_eq!(registries.manifest(&other).await.expect("a manifest"), manifest);
        });
        // Another registry gets the bytes.
        let second = Registry::start().expect("a second registry");
        wait(async {
            let manifest = registries.manifest(&name).await.expect("a manifest");
            let copy = parse(&second.name("web:1"));
            registries.copy_content(&manifest, &name, &copy).await.expect("the content is sent");
            registries.put_manifest(&copy, &manifest).await.expect("the tag is made");
            assert_eq!(registries.manifest(&copy).await.expect("a manifest"), manifest);
        });
    }
}
