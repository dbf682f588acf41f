import ArgumentParser
import Foundation
import Unroll

/// `unroll predict`.
struct PredictCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "predict",
    abstract: "Let a trained model answer lines: of a file, of arguments, or of standard input.",
    discussion: """
      One line of output for each line of input, in its order, an empty one too, as soon as it can be given; of a \
      forecaster, a line for each step that follows the end of --data. A language model answers with what comes next; \
      `unroll generate` lets it go on.

        unroll predict reviews "a stirring , funny film"
        unroll predict reviews --data lines.txt > answers.txt
        tail -f lines.txt | unroll predict reviews --json
        unroll predict load --data ETTh1.csv
        unroll predict poems "The sea is "                      the next character, and its probability
        unroll predict en-de "two dogs play ." --n-best 3       RANK TAB SCORE TAB TEXT, up to three lines for each
        unroll predict en-de "two dogs play ." --attention      the translation, then where it looked, in percent
      """)

  @Argument(help: "The model folder.") var folder: String
  @Argument(help: "Lines to answer.") var lines: [String] = []
  @Option(help: "A file in UTF-8 with a line for each answer; without it and other lines, standard input.")
  var data: String?
  @Flag(help: "Of a table or pictures: leave out, and count, what cannot be read.") var skipBadLines = false
  @Option(
    parsing: .unconditional,
    help: "Beginnings of a translation or caption that are followed; 1 is greedy. (default: 5)")
  var beam: Int?
  @OptionGroup var found: FoundOptions
  @OptionGroup var common: CommonOptions

  func run() throws {
    common.apply()
    guard data == nil || lines.isEmpty else {
      throw UnrollError(.usage, "there are lines beside --data", hint: "give them one after the other")
    }
    let stored = try StoredModels.open(folder)
    let searching = try BeamOption(found.width(beam)).applied(to: found.applied(to: stored))
    if let model = searching as? any ReadingModel { return try answerFile(by: model) }
    guard let model = searching as? any LineModel else {
      throw UnrollError(
        .usage, "a model of the paradigm `\(type(of: stored).paradigm)` answers no lines", at: folder,
        hint: "measure it: unroll evaluate \(folder) --data FILE")
    }
    if let data {
      try answer(TextLines(contentsOf: data).lines.map(\.text), by: model)
    } else if !lines.isEmpty {
      try answer(lines, by: model)
    } else {
      var input = InputLines()
      while let lines = try input.next() { try answer(lines, by: model) }
    }
  }

  private func answerFile(by model: any ReadingModel) throws {
    guard let data, lines.isEmpty else {
      throw UnrollError(
        .usage, "a model of the paradigm `\(type(of: model).paradigm)` answers a file", at: folder,
        hint: "name it: --data FILE")
    }
    var bad = BadLines(skips: skipBadLines)
    let predictions = try model.predict(contentsOf: data, &bad).map(found.best)
    try SkippedLines(bad.skipped).show(json: common.json)
    for prediction in predictions {
      try common.json
        ? Console.json(PredictionLine(prediction)) : Console.write(found.text(of: prediction) ?? oneLine(prediction))
    }
  }

  /// A line's end in an answer is written as `\n`.
  private func oneLine(_ answer: any Prediction) -> String {
    answer.text.replacing("\r\n", with: "\\r\\n").replacing("\r", with: "\\r").replacing("\n", with: "\\n") + "\n"
  }

  private func answer(_ lines: [String], by model: any LineModel) throws {
    for first in stride(from: 0, to: lines.count, by: 256) {
      let own = Array(lines[first..<min(lines.count, first + 256)])
      let answers = try model.predict(lines: own).map(found.best)
      if common.json {
        for (line, answer) in zip(own, answers) { try Console.json(PredictionLine(answer, to: line)) }
      } else {
        try Console.write(answers.map { found.text(of: $0) ?? oneLine($0) }.joined())
      }
    }
  }

  private struct PredictionLine: Encodable {
    let input: String?
    let answer: any Prediction

    init(_ answer: any Prediction, to input: String? = nil) { (self.answer, self.input) = (answer, input) }

    private enum Key: CodingKey { case event, input }

    func encode(to encoder: any Swift.Encoder) throws {
      var container = encoder.container(keyedBy: Key.self)
      try container.encode("prediction", forKey: .event)
      try container.encodeIfPresent(input, forKey: .input)
      try answer.encode(to: encoder)
    }
  }
}

/// `--beam`, for models that look for their answers.
struct BeamOption {
  private let width: Int?

  init(_ width: Int?) throws(UnrollError) {
    if let width, !(1...1000).contains(width) {
      throw UnrollError(.usage, "--beam is \(width), and must be in 1...1000", hint: "1 is greedy, 5 is usual")
    }
    self.width = width
  }

  /// The model with this width. Throws when it does not look for answers.
  func applied(to model: any StoredModel) throws(UnrollError) -> any StoredModel {
    guard let width else { return model }
    guard var searching = model as? any SearchingModel else {
      throw UnrollError(
        .usage, "--beam is for models that look for their answers; one of `\(type(of: model).paradigm)` has one answer",
        hint: "leave it out")
    }
    searching.search.width = width
    return searching
  }
}

/// Lines of standard input as they arrive.
struct InputLines {
  /// The longest line, in bytes.
  static let limit = 64 << 20

  private var rest: [UInt8] = []
  private var isAtEnd = false
  private var count = 0

  /// The lines that are there, one at least; waits for it. nil at the end. Throws when a line is not UTF-8 or longer
  /// than ``limit``, or reading fails.
  mutating func next() throws(UnrollError) -> [String]? {
    while !isAtEnd {
      var piece = [UInt8](repeating: 0, count: 1 << 16)
      let got = read(STDIN_FILENO, &piece, piece.count)
      if got < 0, errno == EINTR { continue }
      guard got >= 0 else {
        throw UnrollError(.inputOutput, "standard input cannot be read: \(String(cString: strerror(errno)))")
      }
      isAtEnd = got == 0
      let end = piece[..<got].lastIndex(of: 0x0A)
      guard isAtEnd || end != nil else {
        rest += piece[..<got]
        guard rest.count <= Self.limit else {
          throw UnrollError(.invalidData, "the line has more than \(Self.limit) bytes", at: place(count + 1))
        }
        continue
      }
      let whole = rest + piece[..<(end ?? 0)]
      rest = end.map { Array(piece[($0 + 1)..<got]) } ?? []
      if end == nil, whole.isEmpty { return nil }
      return try lines(in: whole)
    }
    return nil
  }

  private mutating func lines(in bytes: [UInt8]) throws(UnrollError) -> [String] {
    var lines: [String] = []
    for part in bytes.split(separator: 0x0A, omittingEmptySubsequences: false) {
      count += 1
      guard let line = String(validating: part.last == 0x0D ? part.dropLast() : part, as: UTF8.self) else {
        throw UnrollError(
          .invalidData, "the line is not UTF-8", at: place(count), hint: "convert it: iconv -f latin1 -t utf-8")
      }
      lines.append(line)
    }
    return lines
  }

  private func place(_ line: Int) -> String { "standard input:\(line)" }
}
