import ArgumentParser
import Foundation
import Interchange
import Networks
import Recurrence
import Unroll

/// `unroll inspect`.
struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect", abstract: "Look into a trained model: its layers, equations, and pictures of both.",
    discussion: """
        unroll inspect poems                                         layers, parameters, the network, the equations
        unroll inspect poems --passes                                what each pass of the compiler makes of a step
        unroll inspect poems --picture step --format svg --out step.svg
        unroll inspect reviews                                       a model of another kind: parameters, the network
      """)

  enum Picture: String, ExpressibleByArgument, CaseIterable {
    case network
    case networkUnrolled = "network-unrolled"
    case step
    case stepUnrolled = "step-unrolled"
  }

  @Argument(help: "The model folder.") var folder: String
  @Option(parsing: .unconditional, help: "The recurrent layer to look into, from 0.") var layer = 0
  @Flag(help: "Show the step's graph before and after each pass, and its adjoint's.") var passes = false
  @Option(help: "Draw this only.") var picture: Picture?
  @Option(help: "The picture's form.") var format = PictureFormat.text
  @Option(parsing: .unconditional, help: "Time steps of an unrolled picture.") var steps = 3
  @Option(help: "Write the picture to a file.") var out: String?
  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard (1...20).contains(steps) else { throw ValidationError("--steps is \(steps), and must be in 1...20") }
    guard picture != nil || (out == nil && format == .text) else {
      throw ValidationError("--format and --out need a --picture")
    }
  }

  func run() throws {
    common.apply()
    let stored = try StoredModels.open(folder)
    if let model = stored as? any FileModel { return try show(model) }
    guard let model = stored as? LanguageModel else { return }
    let layers = model.network.recurrent.layers.compactMap(\.recurrent)
    guard layers.indices.contains(layer) else {
      throw UnrollError(.usage, "there is no layer \(layer)", at: folder, hint: "--layer 0 to \(layers.count - 1)")
    }
    let view = ModelView(model: model, layers: layers, layer: layers[layer])
    if let picture {
      try show(view.diagram(picture, steps: steps))
    } else if passes {
      try showPasses(view)
    } else {
      try showSummary(view)
    }
  }

  private func show(_ diagram: Diagram) throws {
    let text = diagram.drawn(as: format)
    if let out {
      try AtomicFile.write(Data(text.utf8), to: out)
    } else if common.json {
      try Console.json(PictureLine(format: format.rawValue, content: text))
    } else {
      try Console.write(text)
    }
  }

  private func showPasses(_ view: ModelView) throws {
    for (direction, history) in [("forward", view.plan.history), ("adjoint", view.plan.adjointHistory)] {
      for (name, graph) in history {
        if common.json {
          try Console.json(GraphLine(direction: direction, pass: name, graph: graph.description))
        } else {
          try Console.write("── \(direction), after \(name) \(String(repeating: "─", count: 60))\n\(graph)\n\n")
        }
      }
    }
  }

  /// A model of another paradigm: its sizes, parameters, and network.
  private func show(_ model: any FileModel) throws {
    guard picture == nil || picture == .network, !passes, layer == 0 else {
      throw UnrollError(
        .usage, "pictures of steps and over time, --passes and --layer are for language models", at: folder,
        hint: "leave them out, or --picture network; `unroll cells NAME` shows a cell")
    }
    let drawn = (model as? any DrawnModel).map { Diagram.network($0.drawnLayers) }
    if picture != nil, let drawn { return try show(drawn) }
    try showParameters(of: model.network, title: model.summary)
    if !common.json, let drawn { try Console.write("\n" + drawn.text() + "\n") }
  }

  private func showParameters(of network: any Module, title: String) throws {
    let parameters = network.parameters.map {
      ParameterLine(path: $0.path, shape: $0.parameter.shape.extents, count: $0.parameter.shape.count)
    }
    if common.json { return try parameters.forEach(Console.json) }
    let width = parameters.map(\.path.count).max() ?? 0
    try Console.write(title + "\n\n")
    for line in parameters {
      try Console.write(
        "\(line.path.padding(toLength: width, withPad: " ", startingAt: 0))  \(line.shape)  \(line.count)\n")
    }
  }

  private func showSummary(_ view: ModelView) throws {
    try showParameters(of: view.model.network, title: view.title)
    if common.json { return }
    try Console.write("\n" + view.diagram(.network, steps: steps).text() + "\n\n")
    try Console.write(view.diagram(.networkUnrolled, steps: steps).text() + "\n\n")
    try Console.write("One step of layer \(layer), as written\n\n\(view.equations(view.plan.history[0].graph))\n\n")
    try Console.write("and as it is run\n\n\(view.equations(view.plan.history[view.plan.history.count - 1].graph))\n")
  }

  private struct ParameterLine: Encodable {
    var event = "parameter"
    let path: String
    let shape: [Int]
    let count: Int
  }
  private struct GraphLine: Encodable {
    var event = "graph"
    let direction, pass, graph: String
  }
  private struct PictureLine: Encodable {
    var event = "picture"
    let format, content: String
  }
}

extension PictureFormat: ExpressibleByArgument {}

/// A language model, seen from outside.
struct ModelView {
  let model: LanguageModel
  let layers: [any RecurrentLayer]
  let layer: any RecurrentLayer

  var plan: Plan { layer.unroller.plan() }

  var title: String {
    let count = model.network.parameterCount
    let unit = model.vocabulary.unit
    return "\(unit.singular) language model, \(model.vocabulary.count) \(unit), \(count) parameters, "
      + "trained on \(model.configuration.data.path)"
      + (model.precision == .float32 ? "" : ", matrices in \(model.precision)")
  }

  func equations(_ graph: StepGraph) -> String { graph.equations(names: layer.stepNames) }

  func diagram(_ picture: InspectCommand.Picture, steps: Int) -> Diagram {
    switch picture {
    case .network: .network(model.drawnLayers)
    case .networkUnrolled: .network(model.drawnLayers, unrolled: steps)
    case .step: layer.stepDiagram(unrolled: nil)
    case .stepUnrolled: layer.stepDiagram(unrolled: steps)
    }
  }
}
