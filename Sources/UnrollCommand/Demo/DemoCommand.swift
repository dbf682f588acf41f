import ArgumentParser
import Foundation
import Unroll

/// `unroll demo`.
struct DemoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "Train a small model of every kind in under two minutes, and see what each has learnt.",
    discussion: """
      What they learn from is built in: names, numbers and dates in words of several languages, from the CLDR that the \
      Swift toolchain brings along. Nothing is downloaded.

        unroll demo
        unroll demo --only translate
        unroll demo --out models     keep the models, to look into them afterwards
      """)

  /// What is shown, in this order; the words are those of `unroll train`.
  enum Part: String, CaseIterable, ExpressibleByArgument {
    case recognize, describe, classify, tag, translate, text
  }

  @Option(help: "Show this part alone.") var only: Part?
  @Option(help: "Keep the models in folders in this one.") var out: String?
  @Option(parsing: .unconditional, help: "Times to go through each part's examples, instead of its own number.")
  var epochs: Int?
  @OptionGroup var common: CommonOptions

  func run() throws {
    common.apply()
    if !common.json, only == nil { Console.note(Self.picture) }
    for part in Part.allCases where only == nil || only == part {
      let stage = DemoStage(
        part: part, folder: out.map { "\($0)/\(part.rawValue)" }, epochs: epochs, json: common.json)
      switch part {
      case .recognize: try stage.recognize()
      case .describe: try stage.describe()
      case .classify: try stage.classify()
      case .tag: try stage.tag()
      case .translate: try stage.translate()
      case .text: try stage.writeNames()
      }
    }
    if !common.json { Console.note(next) }
  }

  private static let picture = """
    A recurrent network is a step that gets its own last state back. Unrolled over time it has every shape:

      one to one   one to many   many to one   many to many, the same   many to many, another length

          y         y  y  y             y           y  y  y                       y  y
          ↑         ↑  ↑  ↑             ↑           ↑  ↑  ↑                       ↑  ↑
          □         □→ □→ □       □→ □→ □           □→ □→ □              □→ □→ □→ □→ □
          ↑         ↑             ↑  ↑  ↑           ↑  ↑  ↑              ↑  ↑  ↑
          x         x             x  x  x           x  x  x              x  x  x
    """

  private var next: String {
    let models = out.map { folder in
      Part.allCases.filter { only == nil || only == $0 }.compactMap { part in
        switch part {
        case .classify: "\n  unroll predict \(folder)/classify Nouvelle-Zélande"
        case .tag: "\n  unroll predict \(folder)/tag \"3 May 2044\""
        case .translate: "\n  unroll predict \(folder)/translate \"three hundred forty two\" --attention"
        case .text: "\n  unroll generate \(folder)/text --prompt \"suomi, maa: \""
        case .recognize, .describe: nil
        }
      }.joined()
    }
    return """

      Next:\(models ?? "")
        unroll train text --data poems.txt --out poems     a model of a text of your own
        unroll generate poems --prompt "The "              what it has learnt
        unroll train --help                                models that classify, tag, translate, describe, forecast
      """
  }
}
