//! Files in the cache, which other runtimes write too. What is understood is stored again and reads back as the
//! same; whatever is there, looking, listing and removing do not fail.

use std::path::Path;
use std::sync::OnceLock;

use cni::cache::{Cache, Lookup};
use cni::{AttachmentFilter, AttachmentKey};
use serde_json::value::RawValue;

pub fn run(data: &[u8]) {
    static SHARED: OnceLock<tempfile::TempDir> = OnceLock::new();
    // In memory where there is such a place: thousands of files a second.
    let make = || tempfile::tempdir_in(if Path::new("/dev/shm").is_dir() { "/dev/shm" } else { "/tmp" });
    let root = SHARED.get_or_init(|| make().expect("a directory"));
    // Of this thread alone.
    let dir = root.path().join(format!("{:?}", std::thread::current().id()));
    let cache = Cache::new(&dir, false);
    let key = AttachmentKey { container_id: "c".into(), network_name: "n".into(), if_name: "e".into() };
    std::fs::create_dir_all(dir.join("results")).expect("a directory");
    let file = dir.join("results/n-c-e");
    std::fs::write(&file, data).expect("a file");

    cache.attachments(&AttachmentFilter::default()).expect("a listing skips what makes no sense");
    match cache.load(&key).expect("a file that can be read is no error") {
        Lookup::Absent | Lookup::Legacy(_) => {}
        Lookup::Corrupt(problem) => assert!(!problem.reason.is_empty()),
        Lookup::Found(entry) => {
            assert_eq!(entry.attachment.key, key);
            if cache.store(&entry).is_ok() {
                let Lookup::Found(again) = cache.load(&key).expect("readable") else {
                    panic!("what was stored is there")
                };
                let (old, new) = (&entry.attachment, &again.attachment);
                assert_eq!((&old.netns, &old.config, &old.args), (&new.netns, &new.config, &new.args));
                let texts = |args: &std::collections::BTreeMap<String, Box<RawValue>>| -> Vec<String> {
                    args.iter().map(|(name, value)| format!("{name}={value}")).collect()
                };
                assert_eq!(texts(&old.capability_args), texts(&new.capability_args));
                if let (Some(old), Some(new)) = (&entry.result, &again.result) {
                    assert_eq!(old.get(), new.get());
                }
            }
        }
    }
    cache.remove(&key).expect("removing does not fail");
    // What is corrupt and young stays.
    let _ = std::fs::remove_file(&file);
}
