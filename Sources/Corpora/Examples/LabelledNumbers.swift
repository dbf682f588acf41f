import Foundation
import Interchange

/// Numbers that belong together, such as a picture's, with the name of their class.
public struct LabelledNumbers: Hashable, Sendable {
  /// The numbers, in the order of the file.
  public let values: [Float]
  /// The name of the class.
  public let label: String
  /// `path:line`, or the file and the number of the picture, for messages.
  public let place: String

  /// Numbers with a label.
  public init(values: [Float], label: String, place: String = "") {
    (self.values, self.label, self.place) = (values, label, place)
  }
}

extension LabelledNumbers {
  /// The examples in a file, and a checksum of what was read.
  ///
  /// - `.csv`, compressed by gzip or not: numbers and a label in each line. The label's column is a number from 1 or
  ///   its name in the header; nil: the last one.
  /// - all others: pictures in IDX form (``IDXArray``). Their labels are in the file of that name with `labels` in
  ///   place of `images`, and `idx1` in place of `idx3`: `train-labels-idx1-ubyte.gz`.
  ///
  /// Throws for files that cannot be read or are damaged, and for bad lines unless they are skipped: too few or too
  /// many numbers, something that is no number.
  public static func read(
    _ path: String, labelColumn: String?, hasHeader: Bool, _ bad: inout BadLines
  ) throws(UnrollError) -> (samples: [LabelledNumbers], checksum: String) {
    let name = path.lowercased()
    return name.hasSuffix(".csv") || name.hasSuffix(".csv.gz")
      ? try table(path, labelColumn, hasHeader, &bad) : try pictures(path)
  }

  private static func pictures(_ path: String) throws(UnrollError) -> ([LabelledNumbers], String) {
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
    let name = String(path.dropFirst(folder.count))
    let other = folder + name.replacing("images", with: "labels").replacing(/idx\d/, with: "idx1")
    guard other != path else {
      throw UnrollError(
        .invalidData, "the name of a file of pictures has the word `images`, where that of its labels has `labels`",
        at: path, hint: "call them such as train-images-idx3-ubyte and train-labels-idx1-ubyte; tables are called .csv")
    }
    let (pictures, labels) = (try IDXArray(contentsOf: path), try IDXArray(contentsOf: other))
    let count = pictures.extents[0]
    guard labels.extents == [count] else {
      throw UnrollError(
        .invalidData, "there are \(count) pictures, and labels of extents \(labels.extents)", at: other,
        hint: "give the labels of these pictures")
    }
    let size = count == 0 ? 0 : pictures.values.count / count
    let samples = (0..<count).map { i in
      LabelledNumbers(
        values: pictures.values[i * size..<(i + 1) * size].map { Float($0) }, label: "\(labels.values[i])",
        place: "\(path), picture \(i + 1)")
    }
    let sums = [pictures.values, labels.values].map { $0.withUnsafeBytes { Checksum($0).description } }
    return (samples, Array(sums.joined(separator: " ").utf8).withUnsafeBytes { Checksum($0).description })
  }

  private static func table(
    _ path: String, _ labelColumn: String?, _ hasHeader: Bool, _ bad: inout BadLines
  ) throws(UnrollError) -> ([LabelledNumbers], String) {
    let lines = try TextLines(contentsOf: path)
    var samples: [LabelledNumbers] = []
    var column: Int?
    var count: Int?
    for line in lines.lines where !line.text.isEmpty {
      let fields = line.text.split(separator: ",", omittingEmptySubsequences: false).map {
        String($0).trimmingCharacters(in: CharacterSet(charactersIn: "\" "))
      }
      let place = lines.place(line.number)
      if column == nil {
        column = try number(of: labelColumn, among: fields, place)
        count = fields.count
        if hasHeader || labelColumn.map({ Int($0) == nil }) == true { continue }
      }
      guard let column, fields.count == count, fields.count > 1, fields.indices.contains(column) else {
        try bad.found(
          UnrollError(
            .invalidData, "the line has \(fields.count) columns, and the first line has \(count ?? 0)", at: place,
            hint: "mend the line, or leave such lines out: --skip-bad-lines"))
        continue
      }
      var values: [Float] = []
      for (i, field) in fields.enumerated() where i != column {
        if let value = Float(field), value.isFinite { values.append(value) }
      }
      guard values.count == fields.count - 1, !fields[column].isEmpty else {
        try bad.found(
          UnrollError(
            .invalidData, fields[column].isEmpty ? "the label is empty" : "a column beside the label holds no number",
            at: place, hint: "a header is passed over with --header; leave bad lines out: --skip-bad-lines"))
        continue
      }
      samples.append(LabelledNumbers(values: values, label: fields[column], place: place))
    }
    return (samples, lines.checksum)
  }

  private static func number(of column: String?, among header: [String], _ place: String) throws(UnrollError) -> Int {
    guard let column else { return header.count - 1 }
    if let number = Int(column) {
      guard header.indices.contains(number - 1) else {
        throw UnrollError(
          .usage, "there is no column \(number)", at: place, hint: "columns are counted from 1 to \(header.count)")
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
