//! `Proc-Type: 4,ENCRYPTED`: PEM under a passphrase, as OpenSSL did it before PKCS#8.
//!
//! The key is one round of MD5 away from the passphrase, so it is read, and warned of.

use aes::{Aes128, Aes192, Aes256};
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockCipherDecrypt, BlockModeDecrypt, KeyInit, KeyIvInit};
use des::TdesEde3;
use md5::{Digest, Md5};
use zeroize::Zeroizing;

use super::looks_like_a_key;
use crate::KeyPairError;

/// An encrypted key whose cipher is known.
pub(in crate::key_pair) struct EncryptedKey {
    cipher: Cipher,
    iv: Vec<u8>,
    data: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cipher {
    Aes128,
    Aes192,
    Aes256,
    TripleDes,
}

impl EncryptedKey {
    /// `header` is what stands behind `DEK-Info:`, such as `AES-256-CBC,00112233..`.
    pub(in crate::key_pair) fn read(header: &str, data: Vec<u8>, origin: &str) -> Result<Self, KeyPairError> {
        let damaged = || KeyPairError::DamagedEncryption { origin: origin.to_owned() };
        let (cipher, iv) = header.split_once(',').ok_or_else(damaged)?;
        let cipher = match cipher.trim() {
            "AES-128-CBC" => Cipher::Aes128,
            "AES-192-CBC" => Cipher::Aes192,
            "AES-256-CBC" => Cipher::Aes256,
            "DES-EDE3-CBC" => Cipher::TripleDes,
            other => {
                return Err(KeyPairError::UnsupportedEncryption {
                    origin: origin.to_owned(),
                    scheme: name(other),
                });
            }
        };
        let iv = bytes(iv.trim()).filter(|iv| iv.len() == cipher.block()).ok_or_else(damaged)?;
        if data.is_empty() || !data.len().is_multiple_of(cipher.block()) {
            return Err(damaged());
        }
        Ok(Self { cipher, iv, data })
    }

    /// The key in the format that the block is named after; none if this is not its passphrase.
    pub(in crate::key_pair) fn open(&self, passphrase: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let key = derive(passphrase, self.iv.first_chunk()?, self.cipher.key());
        let plain = match self.cipher {
            Cipher::Aes128 => decrypt::<Aes128>(&key, &self.iv, &self.data),
            Cipher::Aes192 => decrypt::<Aes192>(&key, &self.iv, &self.data),
            Cipher::Aes256 => decrypt::<Aes256>(&key, &self.iv, &self.data),
            Cipher::TripleDes => decrypt::<TdesEde3>(&key, &self.iv, &self.data),
        };
        // One wrong passphrase in 256 leaves something that looks padded.
        plain.filter(|plain| looks_like_a_key(plain))
    }
}

impl Cipher {
    /// How many bytes a block has.
    fn block(self) -> usize {
        if self == Self::TripleDes { 8 } else { 16 }
    }

    /// How many bytes a key has.
    fn key(self) -> usize {
        match self {
            Self::Aes128 => 16,
            Self::Aes192 | Self::TripleDes => 24,
            Self::Aes256 => 32,
        }
    }
}

/// OpenSSL's `EVP_BytesToKey` with MD5 and one round.
fn derive(passphrase: &[u8], salt: &[u8; 8], length: usize) -> Zeroizing<Vec<u8>> {
    // Enough for any of them: a buffer that grew would leave copies behind.
    let mut key = Zeroizing::new(Vec::with_capacity(48));
    let mut digest = Zeroizing::new([0; 16]);
    let mut hash = Md5::new();
    while key.len() < length {
        hash.update(passphrase);
        hash.update(salt);
        *digest = hash.finalize_reset().into();
        key.extend_from_slice(digest.as_slice());
        hash.update(digest.as_slice());
    }
    key.truncate(length);
    key
}

fn decrypt<C: BlockCipherDecrypt + KeyInit>(
    key: &[u8],
    iv: &[u8],
    data: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let cipher = cbc::Decryptor::<C>::new_from_slices(key, iv).ok()?;
    let mut plain = Zeroizing::new(data.to_vec());
    let length = cipher.decrypt_padded::<Pkcs7>(&mut plain).ok()?.len();
    plain.truncate(length);
    Some(plain)
}

/// The bytes that hexadecimal digits stand for.
fn bytes(digits: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        digits.chars().map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let (pairs, []) = digits.as_ref()?.as_chunks::<2>() else { return None };
    Some(pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

/// The name of a cipher as it can stand in a message: whatever could be a part of a key cannot.
fn name(cipher: &str) -> String {
    let is_name = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-';
    if cipher.len() <= 20 && cipher.bytes().all(is_name) { cipher.to_owned() } else { "?".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(header: &str, length: usize) -> KeyPairError {
        EncryptedKey::read(header, vec![0; length], "`f`").err().unwrap()
    }

    #[test]
    fn keys_are_derived_as_openssl_does_it() {
        // openssl enc -aes-256-cbc -md md5 -k secret -S 0001020304050607 -P
        let key = derive(b"secret", &[0, 1, 2, 3, 4, 5, 6, 7], 32);
        let expected = "035FB8145B73CF111570DC936112BE9C375A5D3D8B915BC213BDBEF9DBFB7851";
        assert_eq!(*key, bytes(expected).unwrap());
    }

    #[test]
    fn odd_headers_are_faults() {
        let damaged = KeyPairError::DamagedEncryption { origin: "`f`".into() };
        for (header, length) in [
            ("", 16),
            ("AES-256-CBC", 16),
            ("AES-256-CBC,", 16),
            ("AES-256-CBC,00", 16),
            ("AES-256-CBC,000102030405060708090A0B0C0D0E0", 16),
            ("AES-256-CBC,000102030405060708090A0B0C0D0E0G", 16),
            ("AES-256-CBC,+00102030405060708090A0B0C0D0E0F", 16),
            ("AES-256-CBC,000102030405060708090A0B0C0D0E0F", 0),
            ("AES-256-CBC,000102030405060708090A0B0C0D0E0F", 17),
            ("DES-EDE3-CBC,000102030405060708090A0B0C0D0E0F", 16),
        ] {
            assert_eq!(fault(header, length), damaged, "{header}");
        }
        let error = fault("CAMELLIA-256-CBC,000102030405060708090A0B0C0D0E0F", 16).to_string();
        assert!(error.contains("`CAMELLIA-256-CBC`"), "{error}");
        let error = fault("hunter2,00", 16).to_string();
        assert!(error.contains("`?`"), "{error}");
    }
}
