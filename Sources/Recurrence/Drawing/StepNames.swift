import Tensors

/// What people call the leaves and the results of a step's graph.
///
///     StepNames(states: ["hidden", "cell"]) { paths[$0] ?? "parameter" }
///
/// Pictures and equations write a state part by its initial where that is unambiguous: `h`, `c`.
package struct StepNames: Sendable {
  /// One name an input, an output, a state part. A missing one is made up from its number.
  package var inputs: [String]
  package var outputs: [String]
  package var states: [String]
  /// A parameter's path: `forget.weight`.
  package var parameter: @Sendable (ParameterReference) -> String

  package init(
    inputs: [String] = ["x"], outputs: [String] = ["y"], states: [String],
    parameter: @escaping @Sendable (ParameterReference) -> String
  ) {
    self.inputs = inputs
    self.outputs = outputs
    self.states = states
    self.parameter = parameter
  }

  /// With parameters named by a dictionary.
  package init(
    inputs: [String] = ["x"], outputs: [String] = ["y"], states: [String], parameters: [ParameterReference: String]
  ) {
    self.init(inputs: inputs, outputs: outputs, states: states) { parameters[$0] ?? "parameter" }
  }

  func input(_ index: Int) -> String { Self.name(inputs, index, "x") }
  func output(_ index: Int) -> String { Self.name(outputs, index, "y") }
  func state(_ index: Int) -> String { Self.name(states, index, "s") }

  private static func name(_ names: [String], _ index: Int, _ other: String) -> String {
    names.indices.contains(index) ? names[index] : other.subscripted(index + 1)
  }

  /// The state part's initial, or its name when another name begins with the same letter.
  func symbol(_ index: Int) -> String {
    let name = state(index)
    guard let initial = name.first, initial.isLetter else { return name }
    let others = inputs + outputs + states.indices.filter { $0 != index }.map { states[$0] }
    return others.contains { $0.first == initial } ? name : String(initial)
  }

  /// `h: hidden, c: cell`, or nothing when all names stand in full.
  func symbolLegend(count: Int) -> String? {
    let short = (0..<count).filter { symbol($0) != state($0) }.map { "\(symbol($0)): \(state($0))" }
    return short.isEmpty ? nil : short.joined(separator: ", ")
  }
}
