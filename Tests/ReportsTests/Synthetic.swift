import Foundation
import Interchange
import Recurrence
import Training

import Reports

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// Trainings that never were.
enum Synthetic {
  static let epochs = """
    {"epoch":1,"gradientNorm":0.9,"isBest":true,"learningRate":0.01,"peakMemory":123456789,"seconds":71.5,"trainingLoss":2.9,"unitsPerSecond":5123,"updatesDone":30,"validationLoss":2.5}
    {"epoch":2,"gradientNorm":0.7,"isBest":true,"learningRate":0.005,"seconds":70,"trainingLoss":2.1,"unitsPerSecond":5200,"updatesDone":60,"validationLoss":2.125}
    {"epoch":3,"gradientNorm":0.6,"isBest":false,"learningRate":0.001,"seconds":70,"trainingLoss":1.9,"unitsPerSecond":5200,"updatesDone":90,"validationLoss":2.25}

    """

  /// A watched update of one LSTM whose gradient is multiplied by `decay` at each of `steps` steps back.
  static func watched(_ update: Int, steps: Int, decay: Double, layer: String = "recurrent.0") -> String {
    let fromEnd = (0..<steps).map { 0.25 * pow(decay, Double($0)) }
    let histogram = (0..<20).map { ($0 * 7 + update) % 13 }
    let gate =
      "{\"name\":\"forget\",\"function\":\"sigmoid\",\"mean\":0.53,\"saturatedLow\":0.03,\"saturatedHigh\":0.12,"
      + "\"histogram\":\(histogram),\"histogramRange\":[0,1]}"
    let state =
      "{\"name\":\"hidden\",\"gradientNorms\":\(Array(fromEnd.reversed())),\"gradientNormsFromEnd\":\(fromEnd),"
      + "\"decay\":\(decay),\"magnitude\":0.31}"
    let recurrent =
      "{\"name\":\"\(layer)\",\"sequences\":8,\"steps\":\(steps),\"meanSteps\":\(steps),\"states\":[\(state)],"
      + "\"gates\":[\(gate)],\"recurrentWeights\":[{\"name\":\"forget\",\"spectralRadius\":1.07}],"
      + "\"lyapunovExponent\":\(log(decay)),\"deadUnits\":0.0625}"
    let parameter =
      "{\"path\":\"\(layer).cell.forget.weight\",\"gradientNorm\":0.125,\"weightNorm\":4,\"updateNorm\":0.004}"
    return
      "{\"epoch\":1,\"updatesDone\":\(update),\"loss\":2.5,\"gradientNorm\":0.8,\"learningRate\":0.01,"
      + "\"clippedShare\":0.25,\"layers\":[\(recurrent)],\"parameters\":[\(parameter)],\"noiseScale\":6.5,\"seconds\":0.01}"
  }

  static func decode<T: Decodable>(_ type: T.Type, _ lines: String) throws -> [T] {
    try lines.split(separator: "\n").map { try JSONDecoder().decode(type, from: Data($0.utf8)) }
  }

  static let machine = Machine(
    system: "a system", processor: "a <processor>", cores: 2, threads: 1, instructions: "avx2")

  static func report(
    epochs: String = epochs, watched: [String] = [], configuration: String = #"{"paradigm":"text","length":64}"#,
    model: ModelPortrait = ModelPortrait(), folder: String = "/somewhere/poems"
  ) throws -> TrainingReport {
    TrainingReport(
      folder: folder, configuration: try decode(JSONValue.self, configuration)[0],
      history: try decode(EpochReport.self, epochs),
      watched: try decode(WatchReport.self, watched.joined(separator: "\n")), model: model, machine: machine,
      program: "unroll 0", date: "2026-01-01T00:00:00Z")
  }

  static let layers = [
    Diagram.Layer(name: "embedding", kind: "Embedding", inputs: 60, outputs: 8),
    Diagram.Layer(name: "recurrent.0", kind: "LSTM", states: ["hidden", "cell"], inputs: 8, outputs: 12),
  ]
}

/// What an XML parser sees in a page.
final class PageReader: NSObject, XMLParserDelegate {
  private(set) var names: [String: Int] = [:]
  private(set) var identifiers: Set<String> = []
  private(set) var addresses: [String] = []
  private(set) var text = ""
  private(set) var fault: String?

  init(_ page: String) {
    super.init()
    let parser = XMLParser(data: Data(page.utf8))
    parser.delegate = self
    if !parser.parse() { fault = "line \(parser.lineNumber): \(String(describing: parser.parserError))" }
  }

  func parser(
    _ parser: XMLParser, didStartElement element: String, namespaceURI: String?, qualifiedName: String?,
    attributes: [String: String]
  ) {
    names[element, default: 0] += 1
    if let id = attributes["id"] { identifiers.insert(id) }
    for name in ["src", "href"] { attributes[name].map { addresses.append($0) } }
  }

  func parser(_ parser: XMLParser, foundCharacters string: String) { text += string }
}
