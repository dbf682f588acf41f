import Foundation
import Interchange
import Testing

/// One rule of the format, and a file that breaks it alone.
struct BadFile: Sendable, CustomTestStringConvertible {
  let rule: String
  let bytes: [UInt8]
  let says: String
  var kind = UnrollError.Kind.invalidData
  var testDescription: String { rule }

  init(_ rule: String, _ bytes: [UInt8], says: String, kind: UnrollError.Kind = .invalidData) {
    (self.rule, self.bytes, self.says, self.kind) = (rule, bytes, says, kind)
  }

  init(_ rule: String, _ header: String, data: Int = 0, says: String) {
    self.init(rule, safeTensorsFile(header, data: data), says: says)
  }

  /// A file of one tensor `a` whose description is given.
  init(_ rule: String, entry: String, data: Int = 4, says: String) {
    self.init(rule, "{\"a\":{\(entry)}}", data: data, says: says)
  }

  private static func entry(_ begin: Int, _ end: Int, shape: String? = nil) -> String {
    "{\"dtype\":\"F32\",\"shape\":\(shape ?? "[\((end - begin) / 4)]"),\"data_offsets\":[\(begin),\(end)]}"
  }
  private static let good = entry(0, 4)
  private static let f32 = "\"dtype\":\"F32\","
  private static let offsets = ",\"data_offsets\":[0,4]"

  static let framing: [BadFile] = [
    BadFile("no bytes", [], says: "0 bytes"),
    BadFile("7 bytes", [2, 0, 0, 0, 0, 0, 0], says: "7 bytes"),
    BadFile("header of 2^64 - 1 bytes", safeTensorsFile("{}", length: .max), says: "at most 16777216"),
    BadFile("header of 2^63 bytes", safeTensorsFile("{}", length: 1 << 63), says: "at most 16777216"),
    BadFile("header of 100 MB", safeTensorsFile("{}", length: 100 << 20), says: "at most 16777216"),
    BadFile("header over 16 MB", safeTensorsFile("{}", length: 16 << 20 + 1), says: "at most 16777216"),
    BadFile("header longer than the file", safeTensorsFile("{}", length: 3), says: "only 2 follow"),
    BadFile("no header", "", says: "does not begin with `{`"),
    BadFile("header begins with a space", " {}", says: "does not begin with `{`"),
    BadFile("header is an array", "[]", says: "does not begin with `{`"),
    BadFile("header begins with a mark", "\u{FEFF}{}", says: "does not begin with `{`"),
    BadFile("header is cut", "{\"a\":", says: "an object was expected"),
    BadFile("header never closes", "{", says: "a key in quotes"),
    BadFile("two headers", "{}{}", says: "follows after the end"),
    BadFile("header padded with NUL", "{}\0", says: "follows after the end"),
  ]

  static let text: [BadFile] = [
    BadFile(
      "name is not UTF-8", safeTensorsFile(Array("{\"a".utf8) + [0xFF] + Array("\":\(good)}".utf8), data: 4),
      says: "not UTF-8"),
    BadFile(
      "overlong UTF-8", safeTensorsFile(Array("{\"".utf8) + [0xC0, 0xAF] + Array("\":\(good)}".utf8), data: 4),
      says: "not UTF-8"),
    BadFile("control character in a name", "{\"a\n\":\(good)}", data: 4, says: "control character"),
    BadFile("half a surrogate pair", "{\"\\ud800\":\(good)}", data: 4, says: "surrogate"),
    BadFile("low half first", "{\"\\udc00\\ud800\":\(good)}", data: 4, says: "surrogate"),
    BadFile("pair with a wrong half", "{\"\\ud800\\u0041\":\(good)}", data: 4, says: "surrogate"),
    BadFile("short escape", "{\"\\u00g1\":\(good)}", data: 4, says: "four hexadecimal digits"),
    BadFile("unknown escape", "{\"\\x\":\(good)}", data: 4, says: "after a backslash"),
    BadFile("text ends in an escape", "{\"\\", says: "ends inside a string"),
    BadFile("comma at the end", "{\"a\":\(good),}", data: 4, says: "a key in quotes"),
    BadFile("comma missing", "{\"a\":\(good) \"b\":\(good)}", data: 4, says: "a comma"),
    BadFile("colon missing", "{\"a\" \(good)}", data: 4, says: "a colon"),
    BadFile("key without quotes", "{a:\(good)}", data: 4, says: "a key in quotes"),
  ]

  static let names: [BadFile] = [
    BadFile("two tensors of a name", "{\"a\":\(good),\"a\":\(entry(4, 8))}", data: 8, says: "`a` is there twice"),
    BadFile(
      "a name in two spellings", "{\"a\":\(good),\"\\u0061\":\(entry(4, 8))}", data: 8, says: "`a` is there twice"),
    BadFile("empty name", "{\"\":\(good)}", data: 4, says: "name has 0 bytes"),
    BadFile("long name", "{\"\(String(repeating: "n", count: 1025))\":\(good)}", data: 4, says: "name has 1025 bytes"),
    BadFile("two metadata", "{\"__metadata__\":{},\"__metadata__\":{}}", says: "is there twice"),
    BadFile("metadata key twice", "{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}", says: "`k` is there twice"),
    BadFile("metadata holds a number", "{\"__metadata__\":{\"k\":1}}", says: "a string"),
    BadFile("metadata is an array", "{\"__metadata__\":[]}", says: "an object was expected"),
    BadFile("metadata is null", "{\"__metadata__\":null}", says: "an object was expected"),
  ]

  static let entries: [BadFile] = [
    BadFile("tensor is a string", "{\"a\":\"F32\"}", says: "an object was expected"),
    BadFile("no dtype", entry: "\"shape\":[1]" + offsets, says: "`a` lacks a dtype"),
    BadFile("no shape", entry: "\"dtype\":\"F32\"" + offsets, says: "`a` lacks"),
    BadFile("no offsets", entry: f32 + "\"shape\":[1]", says: "`a` lacks"),
    BadFile("unknown key", entry: f32 + "\"shape\":[1]" + offsets + ",\"stride\":[1]", says: "`stride` is unknown"),
    BadFile("key twice", entry: f32 + f32 + "\"shape\":[1]" + offsets, says: "`dtype` is there twice"),
    BadFile("F16", entry: "\"dtype\":\"F16\",\"shape\":[2]" + offsets, says: "dtype `F16`; only F32"),
    BadFile("I64", entry: "\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[0,8]", data: 8, says: "dtype `I64`"),
    BadFile("unknown dtype", entry: "\"dtype\":\"f32\",\"shape\":[1]" + offsets, says: "dtype `f32`"),
    BadFile("dtype is a number", entry: "\"dtype\":32,\"shape\":[1]" + offsets, says: "a string in quotes"),
    BadFile("5 axes", entry: f32 + "\"shape\":[1,1,1,1,1]" + offsets, says: "axes: more than 4"),
    BadFile("negative extent", entry: f32 + "\"shape\":[-1]" + offsets, says: "a whole number"),
    BadFile("extent with a point", entry: f32 + "\"shape\":[1.0]" + offsets, says: "a whole number"),
    BadFile("extent with an exponent", entry: f32 + "\"shape\":[1e0]" + offsets, says: "a whole number"),
    BadFile("extent with a leading 0", entry: f32 + "\"shape\":[01]" + offsets, says: "begins with 0"),
    BadFile("extent in quotes", entry: f32 + "\"shape\":[\"1\"]" + offsets, says: "a value was expected"),
    BadFile("shape of shapes", entry: f32 + "\"shape\":[[1]]" + offsets, says: "a value was expected"),
    BadFile("extent of 2^64", entry: f32 + "\"shape\":[18446744073709551616]" + offsets, says: "number is too large"),
    BadFile("2^62 floats", entry: f32 + "\"shape\":[4611686018427387904]" + offsets, says: "too large"),
    BadFile("2^31 · 2^31", entry: f32 + "\"shape\":[2147483648,2147483648]" + offsets, says: "too large"),
    BadFile("2^40 · 2^40 · 0", entry: f32 + "\"shape\":[1099511627776,1099511627776,0]" + offsets, says: "too large"),
    BadFile("2^40 floats", entry: f32 + "\"shape\":[1099511627776]" + offsets, says: "takes 4398046511104 bytes"),
    BadFile(
      "2^40 floats with offsets", entry: f32 + "\"shape\":[1099511627776],\"data_offsets\":[0,4398046511104]",
      says: "tells of 4398046511104 bytes"),
    BadFile("one offset", entry: f32 + "\"shape\":[1],\"data_offsets\":[0]", says: "two data offsets"),
    BadFile("three offsets", entry: f32 + "\"shape\":[1],\"data_offsets\":[0,4,8]", says: "more than 2"),
    BadFile("offsets backwards", entry: f32 + "\"shape\":[1],\"data_offsets\":[4,0]", says: "from 4 to 0"),
    BadFile("too few bytes", entry: f32 + "\"shape\":[2]" + offsets, says: "takes 8 bytes"),
    BadFile("too many bytes", entry: f32 + "\"shape\":[0]" + offsets, says: "takes 0 bytes"),
    BadFile("half a float", entry: f32 + "\"shape\":[1],\"data_offsets\":[0,6]", data: 6, says: "takes 4 bytes"),
  ]

  static let data: [BadFile] = [
    BadFile("hole at the start", "{\"a\":\(entry(4, 8))}", data: 8, says: "hole"),
    BadFile("hole between", "{\"a\":\(good),\"b\":\(entry(8, 12))}", data: 12, says: "hole"),
    BadFile("overlap", "{\"a\":\(entry(0, 8)),\"b\":\(entry(4, 12))}", data: 12, says: "overlap"),
    BadFile("same bytes twice", "{\"a\":\(good),\"b\":\(good)}", data: 4, says: "overlap"),
    BadFile("empty tensor beyond the end", "{\"a\":\(entry(4, 4))}", says: "hole"),
    BadFile("bytes follow", "{\"a\":\(good)}", data: 5, says: "tells of 4 bytes of data, the file has 5"),
    BadFile("bytes without tensors", "{}", data: 1, says: "tells of 0 bytes"),
    BadFile("data is cut", "{\"a\":\(entry(0, 8))}", data: 7, says: "tells of 8 bytes of data, the file has 7"),
    BadFile(
      "100,001 tensors",
      "{" + (0...100_000).map { "\"\($0)\":\(entry(0, 0))" }.joined(separator: ",") + "}", says: "more than 100000"),
    BadFile(
      "sealed, but without checksum", "{\"__metadata__\":{\"format\":\"unroll\",\"version\":\"1\"}}", says: "checksum"),
    BadFile("wrong checksum", "{\"__metadata__\":{\"checksum\":\"xxh64:0123456789abcdef\"}}", says: "checksum"),
    BadFile("short checksum", "{\"__metadata__\":{\"checksum\":\"xxh64:\"}}", says: "checksum"),
    BadFile(
      "newer version", safeTensorsFile("{\"__metadata__\":{\"format\":\"unroll\",\"version\":\"2\"}}"),
      says: "version 2", kind: .unsupportedVersion),
  ]

  static let all = framing + text + names + entries + data
}

@Suite struct BadSafeTensorsTests {
  let folder = TestFolder()

  @Test(arguments: BadFile.all)
  func isRefusedWithFileAndReason(bad: BadFile) {
    let path = folder.file("bad.safetensors", bad.bytes)
    let error = failure { () throws(UnrollError) in _ = try SafeTensors.read(from: path) }
    #expect(error?.kind == bad.kind)
    #expect(error?.message.contains(bad.says) == true, "\(error?.description ?? "-")")
    #expect(error?.place?.hasPrefix(path) == true && error?.hint != nil)
  }

  @Test func theTableIsLongAndItsRulesDiffer() {
    #expect(BadFile.all.count >= 40)
    #expect(Set(BadFile.all.map(\.rule)).count == BadFile.all.count)
  }

  /// A kilobyte that declares terabytes costs next to nothing.
  @Test(arguments: BadFile.all.filter { $0.bytes.count <= 1024 })
  func isRefusedQuickly(bomb: BadFile) {
    let path = folder.file("bomb.safetensors", bomb.bytes)
    let clock = ContinuousClock()
    let times = (0..<5).map { _ in clock.measure { _ = try? SafeTensors.read(from: path) } }
    #expect((times.min() ?? .seconds(1)) < .milliseconds(10))
  }

  /// A sparse file has any size for nothing: its header is honest, the memory is not there.
  @Test func moreDataThanMemoryIsRefused() {
    let size = 1 << 43
    let header = "{\"a\":{\"dtype\":\"F32\",\"shape\":[\(size / 4)],\"data_offsets\":[0,\(size)]}}"
    let path = folder.file("sparse.safetensors", safeTensorsFile(header))
    // Some file systems have no files of this size: then there is nothing to test.
    guard truncate(path, off_t(8 + header.utf8.count + size)) == 0 else { return }
    let error = failure { () throws(UnrollError) in _ = try SafeTensors.read(from: path) }
    #expect(error?.kind == .inputOutput && error?.message.contains("of memory") == true)
  }

  @Test func thingsThatAreNoFiles() {
    func kind(_ path: String) -> UnrollError.Kind? {
      failure { () throws(UnrollError) in _ = try SafeTensors.read(from: path) }?.kind
    }
    #expect(kind(folder.file("nothing")) == .missing)
    #expect(kind(folder.file("file", [1]) + "/inside") == .missing)
    #expect(kind(folder.path) == .inputOutput)
    #expect(kind("/dev/zero") == .inputOutput)
    #expect(mkfifo(folder.file("pipe"), 0o600) == 0)
    #expect(kind(folder.file("pipe")) == .inputOutput)
    #expect(kind("") == .usage)
    #expect(kind(folder.file("a\0b")) == .usage)
  }
}
