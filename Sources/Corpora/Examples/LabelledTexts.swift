import Foundation
import Interchange

/// A text with the name of its class.
public struct LabelledText: Hashable, Sendable {
  /// The text.
  public let text: String
  /// The name of the class.
  public let label: String
  /// `path:line`, for messages.
  public let place: String

  /// A text with a label.
  public init(text: String, label: String, place: String = "") {
    (self.text, self.label, self.place) = (text, label, place)
  }
}

/// How a file holds texts with labels.
public struct TextColumns: Hashable, Sendable, Codable {
  /// The column of the text: a number from 1, the name that the header has for it, or a key of JSON; nil: the first
  /// column, the key `text`.
  public var text: String?
  /// The column of the label; nil: the second column, the key `label`.
  public var label: String?
  /// Whether the first line of a table is a header; it is one anyway where a column has a name.
  public var hasHeader = false

  /// The first two columns.
  public init(text: String? = nil, label: String? = nil, hasHeader: Bool = false) {
    (self.text, self.label, self.hasHeader) = (text, label, hasHeader)
  }
}

/// Readers of texts with labels.
///
///     var bad = BadLines(skips: false)
///     let (texts, checksum) = try LabelledTexts.read("reviews.tsv", TextColumns(), &bad)
///
/// What a path is tells how it is read, `.gz` behind it or not:
///
/// - `.tsv`: columns between tabs, a text a line, nothing quoted.
/// - `.csv`: RFC 4180, quotes and line ends inside them too.
/// - `.jsonl`: an object a line; a label may be a string, a whole number, or true and false.
/// - a folder: of folders, a class each, with a text in each of their `.txt` files; or of files `NAME.txt`, a class
///   each, with a text a line.
///
/// Lines without a character are passed over.
public enum LabelledTexts {
  /// The texts in a file or folder, in order, and a checksum of all that was read. Throws for a file that cannot be
  /// read, is empty or no UTF-8, and for bad lines unless they are skipped.
  public static func read(
    _ path: String, _ columns: TextColumns, _ bad: inout BadLines
  ) throws(UnrollError) -> (samples: [LabelledText], checksum: String) {
    var isFolder: ObjCBool = false
    if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue {
      return try folder(path)
    }
    var name = path.lowercased()
    if name.hasSuffix(".gz") { name = String(name.dropLast(3)) }
    switch name.split(separator: ".").last {
    case "tsv", "tab": return try tabs(path, columns, &bad)
    case "csv": return try commas(path, columns, &bad)
    case "jsonl", "ndjson": return try objects(path, columns, &bad)
    default:
      if !FileManager.default.fileExists(atPath: path) { _ = try FileAccess.read(from: path, limit: .max) }
      throw UnrollError(
        .invalidData, "the name does not tell how texts and labels stand in the file", at: path,
        hint: "call it .tsv (tabs), .csv (commas) or .jsonl (an object a line), or give a folder")
    }
  }

  private static func tabs(
    _ path: String, _ columns: TextColumns, _ bad: inout BadLines
  ) throws(UnrollError) -> ([LabelledText], String) {
    let lines = try TextLines(contentsOf: path)
    var table = Table(columns, path: path)
    for line in lines.lines where !line.text.isEmpty {
      let fields = line.text.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
      try table.add(fields, line: line.number, &bad)
    }
    return (table.texts, lines.checksum)
  }

  private static func commas(
    _ path: String, _ columns: TextColumns, _ bad: inout BadLines
  ) throws(UnrollError) -> ([LabelledText], String) {
    let data = try Gzip.read(from: path, limit: PlainText.defaultLimit)
    let text = try PlainText(utf8: data, source: path)
    let checksum = data.withUnsafeBytes { Checksum($0).description }
    // No closure that throws can be called there, so what it throws is kept.
    var table = Table(columns, path: path)
    var failure: UnrollError?
    var found = bad
    text.withBytes { bytes in
      do throws(UnrollError) {
        try CommaSeparated.forEach(in: bytes, path: path, &found) { (fields, line, bad) throws(UnrollError) in
          try table.add(fields, line: line, &bad)
        }
      } catch {
        failure = error
      }
    }
    bad = found
    if let failure { throw failure }
    return (table.texts, checksum)
  }

  // MARK: JSON

  /// A value of JSON that can be a text or a label.
  private enum Value: Decodable {
    case text(String)
    case other

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let text = try? container.decode(String.self) {
        self = .text(text)
      } else if let isTrue = try? container.decode(Bool.self) {
        self = .text("\(isTrue)")
      } else if let number = try? container.decode(Int.self) {
        self = .text("\(number)")
      } else {
        self = .other
      }
    }
  }

  private static func objects(
    _ path: String, _ columns: TextColumns, _ bad: inout BadLines
  ) throws(UnrollError) -> ([LabelledText], String) {
    let lines = try TextLines(contentsOf: path)
    var texts: [LabelledText] = []
    for line in lines.lines where !line.text.isEmpty {
      let place = lines.place(line.number)
      do throws(UnrollError) {
        let object = try StrictJSON.decode(
          [String: Value].self, from: Data(line.text.utf8), path: path, firstLine: line.number)
        func value(_ key: String) throws(UnrollError) -> String {
          guard case .text(let text) = object[key] else {
            throw UnrollError(
              .invalidData, object[key] == nil ? "the object has no `\(key)`" : "`\(key)` is no string", at: place,
              hint: "name the keys: --text-column KEY --label-column KEY")
          }
          return text
        }
        let text = try value(columns.text ?? "text")
        texts.append(LabelledText(text: text, label: try value(columns.label ?? "label"), place: place))
      } catch {
        try bad.found(error)
      }
    }
    return (texts, lines.checksum)
  }

  // MARK: Folders

  private static func folder(_ path: String) throws(UnrollError) -> ([LabelledText], String) {
    var texts: [LabelledText] = []
    var checksums = ""
    for name in try FolderContent.names(in: path) {
      let inner = path + "/" + name
      var isFolder: ObjCBool = false
      guard FileManager.default.fileExists(atPath: inner, isDirectory: &isFolder) else { continue }
      if isFolder.boolValue {
        for file in try FolderContent.names(in: inner) where file.hasSuffix(".txt") {
          let data = try FileAccess.read(from: inner + "/" + file, limit: PlainText.defaultLimit)
          let text = try PlainText(utf8: data, source: inner + "/" + file)
          texts.append(LabelledText(text: text.string, label: name, place: inner + "/" + file))
          checksums += "\(name)/\(file) " + data.withUnsafeBytes { Checksum($0).description } + "\n"
        }
      } else if name.hasSuffix(".txt") {
        let lines = try TextLines(contentsOf: inner)
        let label = String(name.dropLast(4))
        texts += lines.lines.filter { !$0.text.isEmpty }.map {
          LabelledText(text: $0.text, label: label, place: lines.place($0.number))
        }
        checksums += "\(name) \(lines.checksum)\n"
      }
    }
    guard !texts.isEmpty else {
      throw UnrollError(
        .invalidData, "the folder holds no texts", at: path,
        hint: "put NAME.txt into it, a text a line, for each class; or a folder of .txt files, a text each")
    }
    return (texts, Array(checksums.utf8).withUnsafeBytes { Checksum($0).description })
  }
}

/// The texts of a table, line by line.
private struct Table {
  private let columns: TextColumns
  private let path: String
  private var places: (text: Int, label: Int)?
  private(set) var texts: [LabelledText] = []

  init(_ columns: TextColumns, path: String) {
    self.columns = columns
    self.path = path
  }

  mutating func add(_ fields: [String], line: Int, _ bad: inout BadLines) throws(UnrollError) {
    let place = "\(path):\(line)"
    guard let places else {
      let named = [columns.text ?? "1", columns.label ?? "2"].contains { Int($0) == nil }
      places = (
        try number(of: columns.text ?? "1", among: fields, place),
        try number(of: columns.label ?? "2", among: fields, place)
      )
      if !named, !columns.hasHeader { try add(fields, line: line, &bad) }
      return
    }
    guard max(places.text, places.label) < fields.count else {
      return try bad.found(
        UnrollError(
          .invalidData,
          "the line has \(fields.count) column\(fields.count == 1 ? "" : "s"), and column "
            + "\(max(places.text, places.label) + 1) is asked for", at: place,
          hint: "mend the line, name the columns (--text-column, --label-column), or leave such lines out: "
            + "--skip-bad-lines"))
    }
    guard !fields[places.label].isEmpty else {
      return try bad.found(
        UnrollError(.invalidData, "the label is empty", at: place, hint: "mend the line, or --skip-bad-lines"))
    }
    texts.append(LabelledText(text: fields[places.text], label: fields[places.label], place: place))
  }

  /// The place, from 0, of a column by its number, from 1, or its name in the header.
  private func number(of column: String, among header: [String], _ place: String) throws(UnrollError) -> Int {
    if let number = Int(column) {
      guard number >= 1 else {
        throw UnrollError(.usage, "there is no column \(number)", hint: "columns are counted from 1")
      }
      return number - 1
    }
    guard let index = header.firstIndex(of: column) else {
      throw UnrollError(
        .invalidData, "the header has no column `\(column)`", at: place,
        hint: "it has: \(header.prefix(20).map { String($0.prefix(40)) }.joined(separator: ", "))")
    }
    return index
  }
}
