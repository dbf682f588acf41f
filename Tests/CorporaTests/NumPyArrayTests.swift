import Corpora
import Foundation
import Interchange
import Testing

/// NumPy's files.
@Suite struct NumPyArrayTests {
  private static func file(
    _ descr: String, _ shape: String, _ values: [UInt8], fortran: String = "False", version: UInt8 = 1
  ) -> Data {
    let header = "{'descr': '\(descr)', 'fortran_order': \(fortran), 'shape': (\(shape)), }   \n"
    let length = version == 1 ? [UInt8(header.utf8.count), 0] : [UInt8(header.utf8.count), 0, 0, 0]
    return Data([0x93] + Array("NUMPY".utf8) + [version, 0] + length + Array(header.utf8) + values)
  }

  private static func bytes<T>(_ values: [T]) -> [UInt8] { values.withUnsafeBytes { Array($0) } }

  private static func read(_ data: Data) throws(UnrollError) -> NumPyArray { try NumPyArray(data, at: "a.npy") }

  @Test func everyKindOfNumberIsRead() throws {
    let values: [Float] = [1, 2, 3, 100, 5, 6]
    for (descr, bytes) in [
      ("<f4", Self.bytes(values)), ("<f8", Self.bytes(values.map { Double($0) })),
      ("|u1", values.map { UInt8($0) }), ("|i1", values.map { UInt8($0) }),
      ("<i2", Self.bytes(values.map { Int16($0) })),
      ("<u2", Self.bytes(values.map { UInt16($0) })), ("<i4", Self.bytes(values.map { Int32($0) })),
      ("<u4", Self.bytes(values.map { UInt32($0) })), ("<i8", Self.bytes(values.map { Int64($0) })),
      ("<u8", Self.bytes(values.map { UInt64($0) })),
    ] {
      for version in 1...3 {
        let array = try Self.read(Self.file(descr, "2, 3", bytes, version: UInt8(version)))
        #expect(array.extents == [2, 3] && array.values == values, "\(descr)")
      }
    }
    #expect(try Self.read(Self.file("|i1", "1,", [0xFF])).values == [-1])
    #expect(try Self.read(Self.file("<f4", "", Self.bytes([Float(7)]))).extents == [])
    #expect(try Self.read(Self.file("<f4", "0, 5", [])).extents == [0, 5])
  }

  /// As `numpy.save` wrote it: zeros of both signs, ordinary, largest, subnormal and infinite halves.
  @Test func halvesAreThoseOfNumPy() throws {
    let text =
      "k05VTVBZAQB2AHsnZGVzY3InOiAnPGYyJywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDgsKSwgfSAgICAgICAgICAgICAgICAg"
      + "ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAACAADwAwf97AQD/AwB8"
    let array = try Self.read(#require(Data(base64Encoded: text)))
    #expect(array.values.prefix(5) == [0, 0, 1, -2.5, 65504] && array.values[1].sign == .minus)
    #expect(array.values[5] == 0x1p-24 && array.values[6] == 1023 * 0x1p-24 && array.values[7] == .infinity)
  }

  @Test(arguments: [
    (Data(), "no NumPy file"), (Data("\u{93}NUMPX\u{1}\u{0}\u{0}\u{0}".utf8), "no NumPy file"),
    (file("<f4", "2", bytes([Float(1)])), "should hold 8"), (file("<f4", "1", bytes([Float(1), 2])), "should hold 4"),
    (file("<c8", "1", [0, 0, 0, 0, 0, 0, 0, 0]), "<c8"), (file(">f4", "1", [0, 0, 0, 0]), ">f4"),
    (file("<f4", "1, 1", [0, 0, 0, 0], fortran: "True"), "Fortran"), (file("<f4", "a", []), "damaged"),
    (file("<f4", "9999999999999, 9999999999999", []), "too large"),
    (file("<f8", "4611686018427387904", []), "should hold more"),
    (file("<f4", "1", [0, 0, 0, 0]).prefix(40), "cut off"),
    (file("<f4", "99999999999999999999", []), "damaged"), (file("<f4", "1", [0, 0, 0, 0], version: 4), "version 4"),
  ])
  func otherFilesAreErrors(data: Data, message: String) throws {
    let error = try #require(throws: UnrollError.self) { try Self.read(data) }
    #expect(error.message.contains(message) && error.place == "a.npy" && error.hint != nil, "\(error)")
  }
}
