import ArgumentParser
import Unroll

/// `unroll generate`.
struct GenerateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate", abstract: "Let a trained model write.",
    discussion: """
        unroll generate poems --prompt "The " --length 300 --temperature 0.8
        unroll generate poems --top-p 0.9 --repetition-penalty 1.2 --stop END
      """)

  @Argument(help: "The model folder.") var folder: String
  @OptionGroup var sampling: SamplingOptions
  @OptionGroup var common: CommonOptions

  struct SamplingOptions: ParsableArguments {
    // Unconditional: a value may begin with a dash.
    @Option(parsing: .unconditional, help: "The beginning; without one the model begins a line.") var prompt = ""
    @Option(parsing: .unconditional, help: "Characters, words or subwords to write.") var length = 500
    @Option(
      parsing: .unconditional,
      help: "Under 1: the likely becomes likelier; above 1: the unlikely does; 0: always the best.")
    var temperature: Float = 0.8
    @Option(parsing: .unconditional, help: "Choose among the best so many only; by default among all.")
    var topK: Int?
    @Option(parsing: .unconditional, help: "Choose among the fewest best that have this probability together.")
    var topP: Float?
    @Option(
      parsing: .unconditional,
      help: "Above 1: what the prompt or the text has already becomes less likely; 1.2 is usual. (default: 1)")
    var repetitionPenalty: Float?
    @Option(
      parsing: .unconditionalSingleValue, help: "End before this text; may be given again, then before the first.")
    var stop: [String] = []
    @Option(parsing: .unconditional, help: "Another seed writes another text.") var seed: UInt64 = 1

    func validate() throws {
      guard length >= 0 else { throw ValidationError("--length is \(length), and must be at least 0") }
      guard temperature >= 0, temperature.isFinite else {
        throw ValidationError("--temperature is \(temperature), and must be 0 or more")
      }
      if let topK, topK < 1 { throw ValidationError("--top-k is \(topK), and must be at least 1") }
      if let topP, !(topP > 0 && topP <= 1) {
        throw ValidationError("--top-p is \(topP), and must be above 0 and at most 1")
      }
      if let penalty = repetitionPenalty, !(penalty > 0 && penalty.isFinite) {
        throw ValidationError("--repetition-penalty is \(penalty), and must be above 0")
      }
      if stop.contains("") { throw ValidationError("--stop is empty, and every text would end at once") }
    }

    var sampler: Sampler {
      Sampler(
        temperature: temperature, topK: topK, topP: topP, repetitionPenalty: repetitionPenalty ?? 1, seed: seed)
    }
  }

  func run() throws {
    common.apply()
    let model = try LanguageModel.load(from: folder)
    // What is not yet written: the prompt only when the model knows its tokens, JSON only at the end.
    var text = common.json ? "" : sampling.prompt
    var failure: UnrollError?
    let stop = try model.generate(
      after: sampling.prompt, length: sampling.length, sampler: sampling.sampler, stoppingBefore: sampling.stop
    ) { piece in
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
      try Console.json(Line(prompt: sampling.prompt, text: text, stop: stop))
    } else {
      try Console.write(text + "\n")
    }
  }

  private struct Line: Encodable {
    var event = "generated"
    let prompt, text: String
    /// What the text ended before.
    let stop: String?
  }
}
