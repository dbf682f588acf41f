import Foundation
import Interchange
import Testing

private struct Layer: Codable, Hashable {
  var hidden: Int
  var dropout: Double?
  var name: String?
}
private struct Configuration: Codable, Hashable {
  var layers: [Layer]
  var extra: [String: [Int]] = [:]
}

@Suite struct StrictJSONTests {
  let folder = TestFolder()

  private func decode(_ text: String) throws(UnrollError) -> Configuration {
    try StrictJSON.decode(Configuration.self, from: Data(text.utf8), path: "config.json")
  }

  @Test func whatIsWrittenIsReadBack() throws {
    let path = folder.file("config.json")
    let value = Configuration(
      layers: [Layer(hidden: 3, dropout: 0.1, name: "a/\"é\u{1}🙂"), Layer(hidden: -7)], extra: ["b": [], "a": [1, 2]])
    try StrictJSON.write(value, to: path)
    #expect(try StrictJSON.read(Configuration.self, from: path) == value)
    let text = String(decoding: bytes(of: path), as: UTF8.self)
    #expect(text.hasPrefix("{\n  \"extra\" : {\n    \"a\" : [\n") && text.hasSuffix("}\n"))
    try StrictJSON.write(value, to: folder.file("again"))
    #expect(bytes(of: folder.file("again")) == bytes(of: path))
  }

  /// The walk and Foundation's decoder agree on what JSON is.
  @Test(arguments: [
    "0", "-0", "10", "1.5", "-0.0e+10", "1E5", "true", "null", "[]", "{}", " [ 1 , 2 ] ", "\"\\u00e9\\ud83d\\ude42\"",
    "\"\\b\\f\\n\\r\\t\\/\\\\\\\"\"", "{\"a\":{\"a\":[{\"a\":1}]},\"b\":\"\"}", "\t\r\n1",
  ])
  func goodText(text: String) throws {
    let data = Data(text.utf8)
    #expect(
      try StrictJSON.decode(AnyValue.self, from: data, path: "good") == JSONDecoder().decode(AnyValue.self, from: data))
  }

  @Test(arguments: [
    "", " ", "{", "[", "]", "[1,]", "[,1]", "[1 2]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "01", "-", "1.",
    ".5", "1e",
    "+1", "0x1", "NaN", "Infinity", "tru", "nul", "truefalse", "\"", "\"\\", "\"\\u12\"", "\"\\ud800\"", "\"a\nb\"",
    "'a'",
    "1 1", "{} {}", "/* */1", "[1]\0", "\u{FEFF}1", "{\"a\":1,\"a\":1}", "[{\"a\":[{\"b\":1,\"\\u0062\":2}]}]",
  ])
  func badText(text: String) {
    let error = failure { () throws(UnrollError) in
      _ = try StrictJSON.decode(AnyValue.self, from: Data(text.utf8), path: "bad.json")
    }
    #expect(error?.kind == .invalidData && error?.place?.hasPrefix("bad.json:") == true)
  }

  @Test func depthIsLimited() throws {
    for (bracket, count) in [("[", 101), ("[", 100_000), ("{\"a\":", 100_000)] {
      let error = failure { () throws(UnrollError) in
        let text = String(repeating: bracket, count: count)
        _ = try StrictJSON.decode(AnyValue.self, from: Data(text.utf8), path: "deep.json")
      }
      #expect(error?.message.contains("more than 100 brackets") == true)
    }
    let text = String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
    _ = try StrictJSON.decode(AnyValue.self, from: Data(text.utf8), path: "deep")
  }

  @Test func textThatIsNotUTF8() {
    let error = failure { () throws(UnrollError) in
      _ = try StrictJSON.decode(AnyValue.self, from: Data([0x22, 0xE9, 0x22]), path: "latin.json")
    }
    #expect(error?.message.contains("not UTF-8") == true)
  }

  @Test func sizeIsLimited() throws {
    let path = folder.file("large", Array(repeating: UInt8(ascii: " "), count: 101) + [UInt8(ascii: "1")])
    #expect(try StrictJSON.read(Int.self, from: path) == 1)
    let error = failure { () throws(UnrollError) in _ = try StrictJSON.read(Int.self, from: path, limit: 101) }
    #expect(error?.kind == .invalidData)
  }

  @Test(arguments: [Double.nan, .infinity])
  func numbersThatJSONLacks(value: Double) {
    let layer = Layer(hidden: 1, dropout: value)
    let error = failure { () throws(UnrollError) in
      try StrictJSON.write(Configuration(layers: [layer]), to: folder.file("nan"))
    }
    #expect(error?.kind == .notFinite && error?.message.contains("layers[0].dropout") == true)
    #expect(folder.names.isEmpty)
  }

  @Test func aTypesOwnErrorGetsAPlace() {
    struct Picky: Decodable {
      init(from decoder: any Decoder) throws { throw UnrollError(.unsupportedVersion, "version 9 is too new") }
    }
    let error = failure { () throws(UnrollError) in
      _ = try StrictJSON.decode(Picky.self, from: Data("{}".utf8), path: "p.json")
    }
    #expect(error == UnrollError(.unsupportedVersion, "version 9 is too new", at: "p.json:1:1"))
  }
}

/// Any JSON value.
private enum AnyValue: Decodable, Equatable {
  case null, bool(Bool), number(Double), string(String), array([AnyValue]), object([String: AnyValue])

  init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    if value.decodeNil() {
      self = .null
    } else if let bool = try? value.decode(Bool.self) {
      self = .bool(bool)
    } else if let number = try? value.decode(Double.self) {
      self = .number(number)
    } else if let string = try? value.decode(String.self) {
      self = .string(string)
    } else if let array = try? value.decode([AnyValue].self) {
      self = .array(array)
    } else {
      self = .object(try value.decode([String: AnyValue].self))
    }
  }
}

@Suite struct JSONLinesTests {
  private struct Epoch: Codable, Hashable { var number: Int, loss: Double }
  let folder = TestFolder()

  @Test func linesAreAppendedReadAndCut() throws {
    let log = JSONLines(folder.file("history.jsonl"))
    #expect(try log.read(Epoch.self).isEmpty)
    #expect(try log.keep(first: 3) == 0)
    let epochs = (1...5).map { Epoch(number: $0, loss: 1 / Double($0)) }
    for epoch in epochs { try log.append(epoch) }
    #expect(try log.read(Epoch.self) == epochs)
    #expect(String(decoding: bytes(of: log.path), as: UTF8.self).hasPrefix("{\"loss\":1,\"number\":1}\n{"))
    #expect(try log.keep(first: 9) == 5)
    #expect(try log.keep(first: 2) == 2)
    #expect(try log.read(Epoch.self) == Array(epochs[..<2]))
    try log.append(epochs[4])
    #expect(try log.read(Epoch.self).map(\.number) == [1, 2, 5])
    #expect(try log.keep(first: -1) == 0)
    #expect(bytes(of: log.path).isEmpty)
  }

  @Test func everyTornEndIsLeftOut() throws {
    let whole = Array("{\"loss\":1,\"number\":1}\n{\"loss\":0.5,\"number\":22}\n".utf8)
    let epochs = [Epoch(number: 1, loss: 1), Epoch(number: 22, loss: 0.5)]
    let next = Epoch(number: 3, loss: 0.25)
    for length in 0...whole.count {
      let kept = whole[..<length].count { $0 == UInt8(ascii: "\n") }
      let log = JSONLines(folder.file("torn.jsonl", whole[..<length]))
      #expect(try log.read(Epoch.self) == Array(epochs[..<kept]), "\(length) bytes")
      try log.append(next)
      #expect(try log.read(Epoch.self) == epochs[..<kept] + [next], "\(length) bytes, then a line")
    }
  }

  @Test(arguments: [
    "{\"loss\":1,\"number\":1,\"loss\":2}", "{\"loss\":1}", "", "[]", "{\"loss\":1,\"number\":\"1\"}", "\0",
  ])
  func badLinesAreToldByNumber(line: String) {
    let path = folder.file("bad.jsonl", Array("{\"loss\":1,\"number\":1}\n\(line)\n".utf8))
    let error = failure { () throws(UnrollError) in _ = try JSONLines(path).read(Epoch.self) }
    #expect(error?.kind == .invalidData && error?.place?.hasPrefix(path + ":2:") == true)
  }

  @Test func failuresLeaveTheLogAsItWas() throws {
    let log = JSONLines(folder.file("history.jsonl"))
    try log.append(Epoch(number: 1, loss: 1))
    let before = bytes(of: log.path)
    func kind(_ body: () throws(UnrollError) -> Void) -> UnrollError.Kind? { failure(body)?.kind }
    #expect(kind { () throws(UnrollError) in try log.append(Epoch(number: 2, loss: .nan)) } == .notFinite)
    #expect(bytes(of: log.path) == before)
    let epoch = Epoch(number: 2, loss: 1)
    #expect(kind { () throws(UnrollError) in try JSONLines(folder.path).append(epoch) } == .inputOutput)
    #expect(kind { () throws(UnrollError) in _ = try JSONLines(folder.path).read(Epoch.self) } == .inputOutput)
    #expect(kind { () throws(UnrollError) in try JSONLines(folder.file("no/log")).append(epoch) } == .missing)
    #expect(kind { () throws(UnrollError) in try JSONLines("/dev/full").append(epoch) } == .inputOutput)
    #expect(folder.names == ["history.jsonl"])
  }
}
