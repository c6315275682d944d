//! Files that are encrypted with age, for X25519 keys: `age1…` and `AGE-SECRET-KEY-1…`, as the age tools make them.

use std::fmt;
use std::io::{Read as _, Write as _};

use age::x25519::{Identity, Recipient};
use age::{DecryptError, Decryptor, Encryptor};
use thiserror::Error;
use zeroize::Zeroizing;

const ARMORED: &[u8] = b"-----BEGIN AGE ENCRYPTED FILE-----";
const BINARY: &[u8] = b"age-encryption.org/v1";
/// How large a file may be, decrypted.
const LARGEST: u64 = 16 << 20;

/// Why a file cannot be encrypted or decrypted. Names no key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CryptError {
    #[error("it is not encrypted with age")]
    NotEncrypted,
    #[error("it is encrypted with a passphrase, and only keys are used here")]
    Passphrase,
    #[error("none of the identities can decrypt it")]
    WrongIdentity,
    #[error("it is damaged, or of a version of age that is not known here")]
    Damaged,
    #[error("it is too large")]
    TooLarge,
    #[error("there is nobody to encrypt it for")]
    NoRecipients,
    #[error("it cannot be encrypted")]
    Failed,
}

/// Public keys.
#[derive(Clone, Default)]
pub struct Recipients(Vec<Recipient>);

impl Recipients {
    /// Takes the recipients of a text as `age -R` reads it: one a line, `#` begins a comment.
    ///
    /// # Errors
    /// The number of a line that is no recipient.
    pub fn add_lines(&mut self, text: &str) -> Result<(), usize> {
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if !line.is_empty() && !line.starts_with('#') {
                let recipient = line.parse().map_err(|_| number + 1)?;
                if !self.0.contains(&recipient) {
                    self.0.push(recipient);
                }
            }
        }
        Ok(())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As they are written: `age1…`.
    pub fn iter(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(ToString::to_string)
    }
}

/// Private keys. Shows nothing of itself.
#[derive(Clone, Default)]
pub struct Identities(Vec<Identity>);

impl fmt::Debug for Identities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} identities", self.0.len())
    }
}

impl Identities {
    /// Takes the identities of a text as `age-keygen` writes it: one a line, `#` begins a comment.
    ///
    /// # Errors
    /// The number of a line that is no identity.
    pub fn add_lines(&mut self, text: &str) -> Result<(), usize> {
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if !line.is_empty() && !line.starts_with('#') {
                self.0.push(line.parse().map_err(|_| number + 1)?);
            }
        }
        Ok(())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The public keys that belong to them.
    pub fn recipients(&self) -> Recipients {
        Recipients(self.0.iter().map(Identity::to_public).collect())
    }
}

/// True for what begins as files of age do, armored or not.
pub fn is_encrypted(bytes: &[u8]) -> bool {
    let bytes = bytes.trim_ascii_start();
    bytes.starts_with(ARMORED) || bytes.starts_with(BINARY)
}

/// Decrypts a file of age, armored or not.
///
/// # Errors
/// If it is none, is damaged, or is for others.
pub fn decrypt(bytes: &[u8], identities: &Identities) -> Result<Zeroizing<Vec<u8>>, CryptError> {
    if !is_encrypted(bytes) {
        return Err(CryptError::NotEncrypted);
    }
    let decryptor =
        Decryptor::new_buffered(age::armor::ArmoredReader::new(bytes.trim_ascii_start())).map_err(reason)?;
    if decryptor.is_scrypt() {
        return Err(CryptError::Passphrase);
    }
    let mut reader = decryptor
        .decrypt(identities.0.iter().map(|identity| identity as &dyn age::Identity))
        .map_err(reason)?;
    let mut plain = Zeroizing::new(Vec::new());
    reader.by_ref().take(LARGEST + 1).read_to_end(&mut plain).map_err(|_| CryptError::Damaged)?;
    if plain.len() as u64 > LARGEST { Err(CryptError::TooLarge) } else { Ok(plain) }
}

fn reason(error: DecryptError) -> CryptError {
    match error {
        DecryptError::NoMatchingKeys | DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed => {
            CryptError::WrongIdentity
        }
        _ => CryptError::Damaged,
    }
}

/// Encrypts for all recipients, armored.
///
/// # Errors
/// If there are none.
pub fn encrypt(plain: &[u8], recipients: &Recipients) -> Result<Vec<u8>, CryptError> {
    let each = recipients.0.iter().map(|recipient| recipient as &dyn age::Recipient);
    let encryptor = Encryptor::with_recipients(each).map_err(|_| CryptError::NoRecipients)?;
    let written = || -> std::io::Result<Vec<u8>> {
        let armor = age::armor::ArmoredWriter::wrap_output(Vec::new(), age::armor::Format::AsciiArmor)?;
        let mut writer = encryptor.wrap_output(armor)?;
        writer.write_all(plain)?;
        writer.finish()?.finish()
    };
    written().map_err(|_| CryptError::Failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by `age-keygen` and `age` 1.1.1 of Debian; keys of nothing but this test.
    const IDENTITY: &str = include_str!("fixtures/identity.txt");
    const OTHER: &str = include_str!("fixtures/other.txt");
    const ARMORED_FILE: &[u8] = include_bytes!("fixtures/two-recipients.age");
    const BINARY_FILE: &[u8] = include_bytes!("fixtures/binary.age");
    const PASSPHRASE_FILE: &[u8] = include_bytes!("fixtures/passphrase.age");
    const PLAIN: &[u8] = b"db_password: from-the-age-tool\n";

    fn identities(text: &str) -> Identities {
        let mut identities = Identities::default();
        identities.add_lines(text).expect("identities");
        identities
    }

    #[test]
    fn files_of_the_age_tool_are_read() {
        for identity in [IDENTITY, OTHER] {
            let plain = decrypt(ARMORED_FILE, &identities(identity)).expect("it is for both");
            assert_eq!(plain.as_slice(), PLAIN);
        }
        assert_eq!(decrypt(BINARY_FILE, &identities(IDENTITY)).expect("it is for one").as_slice(), PLAIN);
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let ours = identities(IDENTITY);
        assert_eq!(decrypt(BINARY_FILE, &identities(OTHER)), Err(CryptError::WrongIdentity));
        assert_eq!(decrypt(BINARY_FILE, &Identities::default()), Err(CryptError::WrongIdentity));
        assert_eq!(decrypt(PASSPHRASE_FILE, &ours), Err(CryptError::Passphrase));
        assert_eq!(decrypt(b"db_password: x", &ours), Err(CryptError::NotEncrypted));
        let mut damaged = BINARY_FILE.to_vec();
        *damaged.last_mut().expect("a byte") ^= 1;
        assert_eq!(decrypt(&damaged, &ours), Err(CryptError::Damaged));
        assert_eq!(decrypt(&ARMORED_FILE[..200], &ours), Err(CryptError::Damaged));
        assert_eq!(encrypt(PLAIN, &Recipients::default()), Err(CryptError::NoRecipients));
    }

    #[test]
    fn what_is_encrypted_is_for_all_recipients_and_no_other() {
        let (ours, theirs) = (identities(IDENTITY), identities(OTHER));
        let mut recipients = ours.recipients();
        let only_ours = encrypt(PLAIN, &recipients).expect("a file");
        assert!(only_ours.starts_with(ARMORED) && is_encrypted(&only_ours));
        assert_eq!(decrypt(&only_ours, &theirs), Err(CryptError::WrongIdentity));
        let lines: Vec<_> = theirs.recipients().iter().collect();
        recipients.add_lines(&format!("# them\n\n{}\n", lines.join("\n"))).expect("recipients");
        let both = encrypt(PLAIN, &recipients).expect("a file");
        for identity in [&ours, &theirs] {
            assert_eq!(decrypt(&both, identity).expect("it is for both").as_slice(), PLAIN);
        }
    }

    #[test]
    fn a_line_that_is_no_key_is_told_by_its_number_alone() {
        assert_eq!(Identities::default().add_lines("# x\n\nAGE-SECRET-KEY-1NONSENSE"), Err(3));
        assert_eq!(Recipients::default().add_lines("ssh-ed25519 AAAA"), Err(1));
        assert_eq!(format!("{:?}", identities(IDENTITY)), "1 identities");
    }
}
