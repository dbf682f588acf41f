import Foundation
import Interchange
import Testing

/// Files compressed by gzip; those here were made by Python's gzip module.
@Suite struct GzipTests {
  static let one = Data(base64Encoded: "H4sIAAAAAAACA0vLL0pPLVFITyxJ5QIAKwaHMQwAAAA=")!
  static let two = Data(
    base64Encoded:
      "H4sIAAAAAAACA0vLL0pPLVFITyxJ5QIAKwaHMQwAAAAfiwgAAAAAAAIDy8wrKC1RSE8sSeUCAPYNh4cLAAAA")!
  /// A million zeros in 1003 bytes.
  static let zeros = Data(base64Encoded: compressedZeros.replacing("\n", with: "")) ?? Data()

  let folder = TestFolder()

  private func error(_ data: Data, limit: Int = 1 << 20) -> UnrollError? {
    failure { () throws(UnrollError) in _ = try Gzip.uncompressed(data, limit: limit, at: "file.gz") }
  }

  @Test func membersAreUncompressed() throws {
    #expect(try Gzip.uncompressed(Self.one, limit: 100, at: "a") == Data("forget gate\n".utf8))
    #expect(try Gzip.uncompressed(Self.two, limit: 100, at: "a") == Data("forget gate\ninput gate\n".utf8))
    #expect(try Gzip.uncompressed(Self.zeros, limit: 1_000_000, at: "a") == Data(count: 1_000_000))
  }

  @Test func filesAreReadAsTheyAre() throws {
    let plain = folder.file("plain", [1, 2, 3])
    #expect(try Gzip.read(from: plain, limit: 10) == Data([1, 2, 3]))
    let compressed = folder.file("named-otherwise", [UInt8](Self.one))
    #expect(try Gzip.read(from: compressed, limit: 100) == Data("forget gate\n".utf8))
    #expect(failure { () throws(UnrollError) in _ = try Gzip.read(from: "nowhere", limit: 1) }?.kind == .missing)
  }

  @Test func damageIsFound() {
    for count in 0..<Self.one.count {
      #expect(error(Self.one.prefix(count))?.kind == .invalidData, "cut to \(count) bytes")
    }
    // A bit that only fills up the last byte of the data may change; no other content comes out.
    for place in 10..<Self.one.count {
      var flipped = Self.one
      flipped[place] ^= 4
      let content = try? Gzip.uncompressed(flipped, limit: 1 << 20, at: "file.gz")
      #expect(content == nil || content == Data("forget gate\n".utf8), "byte \(place)")
    }
    #expect(error(Self.one + Data("rubbish".utf8))?.kind == .invalidData)
  }

  @Test func contentThatIsTooLargeIsRefused() {
    let found = error(Self.zeros, limit: 999_999)
    #expect(found?.kind == .invalidData && found?.message.contains("999999") == true)
    #expect(error(Self.two, limit: 22)?.kind == .invalidData)
  }
}

private let compressedZeros = """
  H4sIAAAAAAACA+3BAQEAAACCIP+vbkhAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
  AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
  AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
  AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
  AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
  AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
  AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
  AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
  AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
  AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
  AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
  AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
  AAAArwaey3kSQEIPAA==
  """
