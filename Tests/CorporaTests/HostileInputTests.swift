import Corpora
import Foundation
import Interchange
import Testing

/// Random bytes, whose places repeat with the seed.
private struct Noise: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return (state >> 33) << 32 | (state &* 0x9E37_79B9_7F4A_7C15) >> 32
  }
}

/// A copy with up to three places changed, inserted, removed or doubled, or the end cut off.
private func mutated(_ bytes: [UInt8], pieces: [[UInt8]], using noise: inout Noise) -> [UInt8] {
  var bytes = bytes
  for _ in 0..<Int.random(in: 1...3, using: &noise) where !bytes.isEmpty {
    let index = Int.random(in: 0..<bytes.count, using: &noise)
    switch Int.random(in: 0..<5, using: &noise) {
    case 0: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &noise)
    case 1: bytes[index] = UInt8.random(in: 0...255, using: &noise)
    case 2: bytes.insert(contentsOf: pieces.randomElement(using: &noise) ?? [], at: index)
    case 3: bytes.remove(at: index)
    default: bytes.removeSubrange(index...)
    }
  }
  return bytes
}

/// What comes from outside is read or refused, and never ends the process.
struct HostileInputTests {
  @Test(arguments: 0..<4 as Range<UInt64>) func texts(seed: UInt64) throws {
    var noise = Noise(state: seed)
    let start = Array("Zürich\r\n日本 🦓 e\u{301} end, and enough of it for the words of the scan\n".utf8)
    let pieces: [[UInt8]] = [
      [0xC3], [0xE2, 0x82], [0xF0, 0x9F], [0xED, 0xA0, 0x80], [0xC0, 0x80], [0xEF, 0xBB, 0xBF], [0],
    ]
    var (accepted, refused) = (0, 0)
    for run in 0..<25_000 {
      let bytes = mutated(start, pieces: pieces, using: &noise)
      let expected = bytes.contains(0) ? nil : String(validating: bytes, as: UTF8.self)
      let marked = bytes.starts(with: [0xEF, 0xBB, 0xBF])
      do {
        let text = try PlainText(utf8: Data(bytes), source: "noise")
        accepted += 1
        let isSame = text.string.utf8.elementsEqual(marked ? bytes[3...] : bytes[...])
        if expected == nil || !isSame { Issue.record("seed \(seed), run \(run): \(bytes) accepted") }
        // A vocabulary's table is as long as its greatest character's number: not for every run.
        if run % 16 == 0, try CharacterVocabulary(of: text).encode(text).count != text.count {
          Issue.record("seed \(seed), run \(run): \(bytes) lost characters")
        }
      } catch {
        refused += 1
        let isEmpty = bytes.count == (marked ? 3 : 0)
        if error.kind != .invalidData || (expected != nil && !isEmpty) {
          Issue.record("seed \(seed), run \(run): \(error)")
        }
      }
    }
    #expect(accepted > 1000 && refused > 1000)
  }

  @Test(arguments: 0..<4 as Range<UInt64>) func vocabularies(seed: UInt64) throws {
    var noise = Noise(state: seed)
    let letters = (UInt8(ascii: "a")...UInt8(ascii: "z")).map { "\"\(Unicode.Scalar($0))\"" }.joined(separator: ", ")
    let start = Array(
      #"{"version": 1, "kind": "characters", "characters": ["\n", "\u00e9", "🦓", "日", \#(letters)]}"#.utf8)
    let pieces = ["\"a\",", "\\u", "\\ud83e\\udd93", "1e999", "[", "{", "null", "\"version\": 2,", "\\\""].map {
      Array($0.utf8)
    }
    var (accepted, refused) = (0, 0)
    for run in 0..<25_000 {
      let bytes = mutated(start, pieces: pieces, using: &noise)
      do {
        let vocabulary = try CharacterVocabulary(json: Data(bytes), path: "noise")
        accepted += 1
        if vocabulary.count == 0 || Set(vocabulary.characters).count != vocabulary.count {
          Issue.record("seed \(seed), run \(run): \(String(decoding: bytes, as: UTF8.self)) accepted")
        }
      } catch {
        refused += 1
        if error.kind != .invalidData && error.kind != .unsupportedVersion {
          Issue.record("seed \(seed), run \(run): \(error)")
        }
      }
    }
    #expect(accepted > 100 && refused > 1000)
  }

  @Test(arguments: 0..<2 as Range<UInt64>) func wordVocabularies(seed: UInt64) throws {
    var noise = Noise(state: seed)
    let words = (UInt8(ascii: "a")...UInt8(ascii: "z")).map { "\"\(Unicode.Scalar($0))\"" }.joined(separator: ", ")
    let start = Array(
      #"{"version": 1, "kind": "words", "words": ["<unk>", "<eos>", "\u00e9t\u00e9", "🦓", \#(words)]}"#.utf8)
    let pieces = ["\"a\",", "\\u", "\\u2003", " ", "1e999", "[", "null", "\"version\": 2,", "\\\"", "\"\""].map {
      Array($0.utf8)
    }
    var (accepted, refused) = (0, 0)
    for run in 0..<15_000 {
      let bytes = mutated(start, pieces: pieces, using: &noise)
      do {
        let vocabulary = try WordVocabulary(json: Data(bytes), path: "noise")
        accepted += 1
        let known = vocabulary.words
        if known.prefix(2) != ["<unk>", "<eos>"] || known.contains(where: { $0.isEmpty || $0.contains(" ") }) {
          Issue.record("seed \(seed), run \(run): \(String(decoding: bytes, as: UTF8.self)) accepted")
        }
      } catch {
        refused += 1
        if error.kind != .invalidData && error.kind != .unsupportedVersion {
          Issue.record("seed \(seed), run \(run): \(error)")
        }
      }
    }
    #expect(accepted > 100 && refused > 1000)
  }
}
