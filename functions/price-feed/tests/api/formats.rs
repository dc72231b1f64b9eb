//! The same feed in other bytes.

use std::io::Write as _;

use encoding_rs::WINDOWS_1251;

use crate::{Shop, feed, offer};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A file in a zip, its checksum before or behind it.
fn local(bytes: &[u8], is_behind: bool) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    let (packed, name) = (encoder.finish().unwrap(), b"feed.yml");
    let mut checksum = flate2::Crc::new();
    checksum.update(bytes);
    let size = |length: usize| u32::try_from(length).unwrap().to_le_bytes();
    let sums = [checksum.sum().to_le_bytes(), size(packed.len()), size(bytes.len())].concat();
    let flags = if is_behind { 8_u8 } else { 0 };
    let before = if is_behind { vec![0; 12] } else { sums.clone() };
    let length = [u8::try_from(name.len()).unwrap(), 0, 0, 0];
    let head = [&b"PK\x03\x04\x14\0"[..], &[flags, 0, 8, 0, 0, 0, 0, 0], &before, &length, name].concat();
    let behind = if is_behind { [&b"PK\x07\x08"[..], &sums].concat() } else { Vec::new() };
    [head, packed, behind].concat()
}

fn zip(bytes: &[u8], is_behind: bool) -> Vec<u8> {
    // Of the directory at the end only its beginning is looked at.
    [&local(bytes, is_behind)[..], b"PK\x01\x02", &[0; 60], b"PK\x05\x06", &[0; 18]].concat()
}

async fn price_of_tea(bytes: Vec<u8>) -> Option<String> {
    let shop = Shop::start().await;
    shop.world.standins().set_shop_feed(bytes);
    shop.load().await;
    shop.price("чай").await
}

#[tokio::test]
async fn a_feed_is_read_in_the_encoding_that_it_names() {
    let text = |declaration: &str| feed(&offer("чай", "12.30")).replace("<?xml version=\"1.0\"?>", declaration);
    let utf8 = |declaration| text(declaration).into_bytes();
    let cyrillic = |declaration| WINDOWS_1251.encode(&text(declaration)).0.into_owned();
    let utf16: Vec<u8> = "\u{feff}".encode_utf16().chain(text("").encode_utf16()).flat_map(u16::to_le_bytes).collect();
    for (name, bytes) in [
        ("UTF-8 without a word", utf8("")),
        ("UTF-8", utf8("<?xml version=\"1.0\" encoding=\"UTF-8\"?>")),
        ("UTF-8 with a mark", utf8("\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?>")),
        ("windows-1251", cyrillic("<?xml version=\"1.0\" encoding=\"windows-1251\"?>")),
        ("windows-1251 otherwise written", cyrillic("<?xml version='1.0' encoding = 'Windows-1251' standalone='yes'?>")),
        ("windows-1251 by another name", cyrillic("<?xml version=\"1.0\" encoding=\"win-1251\"?>")),
        ("UTF-16", utf16),
        ("gzip", gzip(&utf8(""))),
        ("gzip of windows-1251", gzip(&cyrillic("<?xml version=\"1.0\" encoding=\"windows-1251\"?>"))),
        ("two gzips in a row", [gzip(&utf8("")[..50]), gzip(&utf8("")[50..])].concat()),
    ] {
        assert_eq!(price_of_tea(bytes).await.as_deref(), Some("12.30"), "{name}");
    }
}

#[tokio::test]
async fn an_id_in_the_wrong_encoding_is_nobodys() {
    let shop = Shop::start().await;
    let cyrillic = WINDOWS_1251.encode(&feed(&offer("чай", "12.30"))).0.into_owned();
    shop.world.standins().set_shop_feed(cyrillic);
    assert!(shop.run().await.unwrap_err().contains("1 of 1 offers are bad"));
}

#[tokio::test]
async fn packed_files_are_read_as_the_common_tools_read_them() {
    let plain = feed(&offer("чай", "12.30")).into_bytes();
    let packed = gzip(&plain);
    for (name, bytes) in [
        ("zeros behind the end", [packed.as_slice(), &[0; 10_000]].concat()),
        ("rubbish behind the end", [packed.as_slice(), b"rubbish"].concat()),
        ("one byte behind the end", [packed.as_slice(), &[0x1f]].concat()),
        ("three in a row and zeros", [&gzip(&plain[..1])[..], &gzip(&plain[1..60]), &gzip(&plain[60..]), &[0; 512]].concat()),
        ("an empty one before", [gzip(b""), packed.clone()].concat()),
        ("an empty one behind", [packed.clone(), gzip(b"")].concat()),
        ("zip", zip(&plain, false)),
        ("zip, written as a stream", zip(&plain, true)),
        ("packed twice", gzip(&packed)),
        ("packed twice, zeros within", gzip(&[packed.as_slice(), &[0; 100]].concat())),
        ("with the file's name in it", {
            let mut encoder = flate2::GzBuilder::new().filename("feed.yml").write(Vec::new(), flate2::Compression::best());
            encoder.write_all(&plain).unwrap();
            encoder.finish().unwrap()
        }),
        ("stored, not packed", {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
            encoder.write_all(&plain).unwrap();
            encoder.finish().unwrap()
        }),
    ] {
        assert_eq!(price_of_tea(bytes).await.as_deref(), Some("12.30"), "{name}");
    }
}

#[tokio::test]
async fn a_packed_file_that_is_cut_off_broken_or_a_bomb_is_refused() {
    let shop = Shop::start().await;
    let whole = gzip(feed(&offer("a", "1")).as_bytes());
    let mut wrong = whole.clone();
    let checksum = wrong.len() - 6;
    wrong[checksum] ^= 1;
    let plain = feed(&offer("a", "1")).into_bytes();
    let zipped = zip(&plain, false);
    let with = |zipped: &[u8], at: usize, bit: u8| {
        let mut changed = zipped.to_vec();
        changed[at] ^= bit;
        changed
    };
    let bomb = gzip(format!("<yml_catalog>{}", " ".repeat(64 * 1024 * 1024)).as_bytes());
    for (name, bytes, complaint) in [
        ("cut off", whole[..whole.len() - 9].to_vec(), "gzip"),
        ("its checksum cut off", whole[..whole.len() - 3].to_vec(), "gzip"),
        ("a wrong checksum", wrong.clone(), "gzip"),
        ("a wrong checksum, and more behind", [wrong, whole.clone()].concat(), "gzip"),
        ("the second cut off", [whole.clone(), whole[..30].to_vec()].concat(), "gzip"),
        ("a bomb", bomb, "cut off"),
        ("zip, cut off", zipped.clone()[..60].to_vec(), "zip that cannot be read: it is cut off"),
        ("zip, its head cut off", zipped.clone()[..20].to_vec(), "zip that cannot be read: it is cut off"),
        ("zip with a wrong checksum", with(&zipped, 14, 1), "its checksum is wrong"),
        ("zip with a password", with(&zipped, 6, 1), "has a password"),
        ("zip with a folder", with(&zipped, 8, 8), "folder"),
        ("zip with two files", [local(&plain, false), zipped].concat(), "more than one file"),
        ("zip with nothing in it", b"PK\x05\x06\0\0\0\0".to_vec(), "nothing in it"),
        ("bzip2", b"BZh91AY&SY".to_vec(), "file of bzip2"),
        ("xz", b"\xfd7zXZ\0".to_vec(), "file of xz"),
        ("rar", b"Rar!\x1a\x07".to_vec(), "file of rar"),
    ] {
        shop.world.standins().set_shop_feed(bytes);
        let error = shop.run().await.unwrap_err();
        assert!(error.contains(complaint), "{name}: {error}");
    }
}
