import ArgumentParser
import Unroll

/// `unroll generate`.
struct GenerateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate", abstract: "Let a trained model write.",
    discussion: """
        unroll generate poems --prompt "The " --length 300 --temperature 0.8
      """)

  @Argument(help: "The model folder.") var folder: String
  @OptionGroup var sampling: SamplingOptions
  @OptionGroup var common: CommonOptions

  struct SamplingOptions: ParsableArguments {
    // Unconditional: a value may begin with a dash.
    @Option(parsing: .unconditional, help: "The beginning; without one the model begins a line.") var prompt = ""
    @Option(parsing: .unconditional, help: "Characters or words to write.") var length = 500
    @Option(
      parsing: .unconditional,
      help: "Under 1: the likely becomes likelier; above 1: the unlikely does; 0: always the best.")
    var temperature: Float = 0.8
    @Option(parsing: .unconditional, help: "Choose among the best so many only; by default among all.")
    var topK: Int?
    @Option(parsing: .unconditional, help: "Another seed writes another text.") var seed: UInt64 = 1

    func validate() throws {
      guard length >= 0 else { throw ValidationError("--length is \(length), and must be at least 0") }
      guard temperature >= 0, temperature.isFinite else {
        throw ValidationError("--temperature is \(temperature), and must be 0 or more")
      }
      if let topK, topK < 1 { throw ValidationError("--top-k is \(topK), and must be at least 1") }
    }

    var sampler: Sampler { Sampler(temperature: temperature, topK: topK, seed: seed) }
  }

  func run() throws {
    common.apply()
    let model = try TextModel(contentsOf: folder)
    // What is not yet written: the prompt only when the model knows its tokens, JSON only at the end.
    var text = common.json ? "" : sampling.prompt
    var failure: UnrollError?
    try model.generate(after: sampling.prompt, length: sampling.length, sampler: sampling.sampler) { piece in
      text += piece
      if common.json { return true }
      do throws(UnrollError) {
        try Console.write(text)
        text = ""
      } catch {
        failure = error
      }
      return failure == nil
    }
    if let failure { throw failure }
    if common.json {
      try Console.json(Line(prompt: sampling.prompt, text: text))
    } else {
      try Console.write(text + "\n")
    }
  }

  private struct Line: Encodable {
    var event = "generated"
    let prompt, text: String
  }
}
