import ArgumentParser
import Foundation
import Unroll

/// `unroll quantize`.
struct QuantizeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "quantize",
    abstract: "Make a smaller, faster copy of a trained model, with fewer bits in its matrices.",
    discussion: """
        unroll quantize poems --precision int8 --out poems-int8
        unroll quantize poems --precision bf16 --out poems-bf16 --data poems.txt    and what that costs
      """)

  enum Choice: String, ExpressibleByArgument, CaseIterable {
    case bf16, int8

    var precision: Precision { self == .bf16 ? .bfloat16 : .int8 }
  }

  @Argument(help: "The model folder.") var folder: String
  @Option(help: "bf16: half the size, nearly the same numbers. int8: a quarter, and fastest.") var precision: Choice
  @Option(help: "The new model's folder.") var out: String
  @Option(help: "A text in UTF-8: print the loss before and after.") var data: String?
  @OptionGroup var common: CommonOptions

  func run() throws {
    common.apply()
    let model = try LanguageModel.load(from: folder)
    let tokens = try data.map { try model.vocabulary.encode(PlainText(contentsOf: $0)) }
    func score(_ model: LanguageModel, _ part: String) throws -> ModelScoreLine? {
      try tokens.map { ModelScoreLine(part: part, score: try model.evaluate($0, source: data ?? "")) }
    }
    let before = try score(model, "before")
    try model.save(to: out, as: precision.precision)
    let after = try score(LanguageModel.load(from: out), "after")
    let sizes = SizeLine(bytesBefore: try size(of: folder), bytesAfter: try size(of: out))
    if common.json {
      try Console.json(sizes)
      for line in [before, after].compactMap({ $0 }) { try Console.json(line) }
    } else {
      try Console.write(sizes.text + "\n")
      for line in [before, after].compactMap({ $0 }) { try Console.write("\(line.part): \(line.score.text)\n") }
    }
  }

  private func size(of folder: String) throws -> Int {
    let attributes = try FileManager.default.attributesOfItem(atPath: folder + "/weights.safetensors")
    return attributes[.size] as? Int ?? 0
  }

  private struct SizeLine: Encodable {
    var event = "quantized"
    let bytesBefore, bytesAfter: Int

    var text: String {
      String(
        format: "weights.safetensors: %d bytes before, %d after (%.0f %%)", bytesBefore, bytesAfter,
        100 * Double(bytesAfter) / Double(max(1, bytesBefore)))
    }
  }
}
