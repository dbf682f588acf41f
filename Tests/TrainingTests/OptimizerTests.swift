import Foundation
import Interchange
import Networks
import Tensors
import TestSupport
import Testing
import Training

private struct Pair: Module {
  let matrix: Parameter
  let bias: Parameter
}

/// Weights after six updates by PyTorch's optimisers, made by `Tests/Golden/optimizers.py`.
private struct Golden: Decodable {
  struct Values: Decodable {
    let matrix: [Float]
    let bias: [Float]
    func tensors() -> (matrix: Tensor, bias: Tensor) {
      (Tensor(shape: [3, 7], values: matrix), Tensor(shape: [5], values: bias))
    }
  }
  let initial: Values
  let gradients: [Values]
  let results: [String: [Values]]

  static func read() throws -> Golden {
    let path = #filePath.replacing("TrainingTests/OptimizerTests.swift", with: "Golden/optimizers.json")
    return try StrictJSON.read(Golden.self, from: path)
  }
}

extension TrainingTests {
  @Suite struct OptimizerTests {
    @Test(arguments: [
      ("sgd", UpdateRule.sgd(), Float(0.05)),
      ("sgd.momentum", .sgd(momentum: 0.9, weightDecay: WeightDecay(0.02, includesVectors: true)), 0.05),
      ("sgd.nesterov", .sgd(momentum: 0.8, nesterov: true), 0.05),
      (
        "adam", .adam(beta1: 0.8, beta2: 0.95, epsilon: 1e-6, weightDecay: WeightDecay(0.04, includesVectors: true)),
        0.03
      ),
      (
        "adamW", .adamW(beta1: 0.9, beta2: 0.99, epsilon: 1e-7, weightDecay: WeightDecay(0.3, includesVectors: true)),
        0.03
      ),
    ])
    func equalsPyTorch(name: String, rule: UpdateRule, learningRate: Float) throws {
      let golden = try Golden.read()
      let initial = golden.initial.tensors()
      // Twice: the second time with gradients that are four times too large and scaled back.
      for scale in [Float(1), 0.25] {
        let model = Pair(matrix: Parameter(initial.matrix), bias: Parameter(initial.bias))
        var optimizer = Optimizer(rule)
        for (update, wanted) in zip(golden.gradients, try #require(golden.results[name])) {
          var gradients = Gradients()
          gradients[model.matrix] = update.tensors().matrix / scale
          gradients[model.bias] = update.tensors().bias / scale
          optimizer.update(model.parameters, with: gradients, learningRate: learningRate, gradientScale: scale)
          for (found, wanted) in [(model.matrix, wanted.matrix), (model.bias, wanted.bias)] {
            let error = zip(found.value.values, wanted).map { abs($0 - $1) }.max() ?? .infinity
            #expect(error < 2e-6, "\(name), update \(optimizer.updateCount), scale \(scale)")
          }
        }
        #expect(optimizer.updateCount == 6)
      }
    }

    @Test func decaysMatricesAloneByDefault() {
      for rule in [UpdateRule.sgd(weightDecay: 0.5), .adam(weightDecay: 0.5), .adamW(weightDecay: 0.5)] {
        let model = Pair(matrix: Parameter(.ones([2, 3])), bias: Parameter(.ones([4])))
        var gradients = Gradients()
        gradients[model.matrix] = .zeros([2, 3])
        gradients[model.bias] = .zeros([4])
        var optimizer = Optimizer(rule)
        optimizer.update(model.parameters, with: gradients, learningRate: 0.1)
        #expect(model.matrix.value.values.allSatisfy { $0 < 0.96 }, "\(rule)")
        #expect(model.bias.value == .ones([4]), "\(rule)")
      }
    }

    /// Each group by itself is an optimiser of its own settings; the first that fits counts.
    @Test func groupsHaveDecayAndRateOfTheirOwn() {
      func updated(_ rule: UpdateRule, _ groups: [ParameterGroup], rate: Float) -> Pair {
        var random = RandomSource(seed: 4)
        let model = Pair(matrix: Parameter(random.uniform([2, 3])), bias: Parameter(random.uniform([4])))
        var optimizer = Optimizer(rule, groups: groups)
        for _ in 0..<3 {
          var gradients = Gradients()
          gradients[model.matrix] = random.uniform([2, 3])
          gradients[model.bias] = random.uniform([4])
          optimizer.update(model.parameters, with: gradients, learningRate: rate)
        }
        return model
      }
      for rule in [UpdateRule.sgd(momentum: 0.5), .adam(), .adamW()] {
        let grouped = updated(
          rule,
          [
            ParameterGroup("matrix", weightDecay: 0.5, learningRate: 0.1), ParameterGroup("*.bias", learningRate: 0),
            ParameterGroup("bias", weightDecay: 0.25, learningRate: 2), ParameterGroup("matrix", learningRate: 9),
          ], rate: 0.02)
        var strong = rule
        strong.weightDecay = 0.5
        #expect(grouped.matrix.value == updated(strong, [], rate: 0.02 * 0.1).matrix.value, "\(rule)")
        strong.weightDecay = WeightDecay(0.25, includesVectors: true)
        #expect(grouped.bias.value == updated(strong, [], rate: 0.04).bias.value, "\(rule)")
        let frozen = updated(rule, [ParameterGroup("bias", learningRate: 0)], rate: 0.02)
        #expect(frozen.bias.value == updated(rule, [], rate: 1e-30).bias.value, "\(rule)")
        #expect(frozen.matrix.value == updated(rule, [], rate: 0.02).matrix.value)
      }
    }

    @Test func groupsKnowTheirMembers() {
      let encoder = ParameterGroup("encoder.0")
      #expect(encoder.contains("encoder.0.cell.weight") && encoder.contains("encoder.0"))
      #expect(
        !encoder.contains("encoder.01.weight") && !encoder.contains("x.encoder.0") && !encoder.contains("encoder"))
      let biases = ParameterGroup("*.bias")
      #expect(biases.contains("readout.bias") && biases.contains("a.b.bias.c"))
      #expect(!biases.contains("bias") && !biases.contains("a.bias2"))
    }

    @Test func leavesParametersWithoutGradient() {
      let model = Pair(matrix: Parameter(.ones([2, 3])), bias: Parameter(.ones([4])))
      var gradients = Gradients()
      gradients[model.bias] = .ones([4])
      var optimizer = Optimizer(.adamW())
      optimizer.update(model.parameters, with: gradients, learningRate: 0.1)
      #expect(model.matrix.value == .ones([2, 3]))
      #expect(optimizer.state.map(\.name) == ["mean/bias", "variance/bias"])
    }

    /// Splitting a parameter between threads changes no bit; 70,001 is no multiple of anything.
    @Test(arguments: [UpdateRule.sgd(momentum: 0.9), .adam(weightDecay: 0.01)])
    func doesNotDependOnThreads(rule: UpdateRule) {
      let turn = ThreadTurn()
      defer { turn.end() }
      var results: [[UInt32]] = []
      for count in 1...3 {
        Threads.count = count
        var random = RandomSource(seed: 3)
        let model = Pair(matrix: Parameter(random.uniform([70_001, 1])), bias: Parameter(.zeros([0])))
        var optimizer = Optimizer(rule)
        var norms: [Double] = []
        for _ in 0..<3 {
          var gradients = Gradients()
          gradients[model.matrix] = random.uniform([70_001, 1], in: -1...1)
          let (norm, scale) = Clipping.norm(2).clip(&gradients, of: model.parameters)
          norms.append(norm)
          optimizer.update(model.parameters, with: gradients, learningRate: 0.1, gradientScale: scale)
        }
        results.append(bits(model.matrix.value) + norms.flatMap { [UInt32($0.bitPattern >> 32)] })
      }
      #expect(results[0] == results[1])
      #expect(results[0] == results[2])
    }

    @Test func goesOnFromItsState() throws {
      let golden = try Golden.read()
      let model = Pair(
        matrix: Parameter(golden.initial.tensors().matrix), bias: Parameter(golden.initial.tensors().bias))
      var gradients = Gradients()
      gradients[model.matrix] = golden.gradients[0].tensors().matrix
      gradients[model.bias] = golden.gradients[0].tensors().bias
      var first = Optimizer(.adam())
      first.update(model.parameters, with: gradients, learningRate: 0.1)
      var second = Optimizer(.adam())
      try second.restore(first.state, updateCount: first.updateCount, for: model.parameters)
      let twin = Pair(matrix: Parameter(model.matrix.value), bias: Parameter(model.bias.value))
      var twinGradients = Gradients()
      twinGradients[twin.matrix] = gradients[model.matrix]
      twinGradients[twin.bias] = gradients[model.bias]
      first.update(model.parameters, with: gradients, learningRate: 0.1)
      second.update(twin.parameters, with: twinGradients, learningRate: 0.1)
      #expect(bits(model.matrix.value) == bits(twin.matrix.value))
      #expect(bits(model.bias.value) == bits(twin.bias.value))
    }

    @Test func refusesStatesThatDoNotFit() {
      let model = Pair(matrix: Parameter(.ones([2, 3])), bias: Parameter(.ones([4])))
      let whole = ["mean", "variance"].map { (name: "\($0)/bias", tensor: Tensor.ones([4])) }
      let cases: [(UpdateRule, [(name: String, tensor: Tensor)], Int, String)] = [
        (.adam(), [whole[0]], 3, "incomplete"),
        (.adam(), whole + [(name: "mean/other", tensor: .ones([4]))], 3, "mean/other belongs to no parameter"),
        (.adam(), [whole[0], (name: "variance/bias", tensor: .ones([5]))], 3, "has shape [5], its parameter [4]"),
        (.sgd(momentum: 0.9), whole, 3, "mean/bias belongs to no parameter"),
        (.sgd(), whole, 3, "belongs to no parameter"),
        (.adam(), whole, 0, "made 0 updates"),
        (.adam(), [], -1, "made -1 updates"),
      ]
      for (rule, state, count, message) in cases {
        var optimizer = Optimizer(rule)
        let error = unrollError {
          try optimizer.restore(state, updateCount: count, for: model.parameters, at: "a file")
        }
        #expect(error?.kind == .invalidData)
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
        #expect(error?.place == "a file")
        #expect(optimizer.state.isEmpty && optimizer.updateCount == 0)
      }
    }
  }
}
