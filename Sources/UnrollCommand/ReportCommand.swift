import ArgumentParser
import Unroll

/// `unroll report`.
struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report", abstract: "Make a page about a training, to be opened in a browser.",
    discussion: """
        unroll report poems                      poems/report.html
        unroll report poems --out poems.html
      It shows curves, diagnoses, settings, the ladder of a model that grew and, of a language model, what it writes;
      and from the updates that were watched (--watch-every N when training) how gradients flow back through time,
      what gates and units do, and how far updates move parameters.
      """)

  @Argument(help: "The model folder.") var folder: String
  @Option(help: "The page. (default: report.html in the folder)") var out: String?
  @OptionGroup var common: CommonOptions

  func run() throws {
    common.apply()
    let path = out ?? folder + "/report.html"
    try TrainingReport(of: folder, program: "unroll \(UnrollCommand.configuration.version)").write(to: path)
    try common.json ? Console.json(Line(path: path)) : Console.write("\(path)\n")
  }

  private struct Line: Encodable {
    var event = "report"
    let path: String
  }
}
