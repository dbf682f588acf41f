import Foundation
import Interchange
import Networks
import Tensors
import Testing
import Training

extension TrainingTests {
  @Suite struct AveragingTests {
    /// Trains, and returns the weights after each update and those that the trainer leaves behind.
    private func train(
      _ objective: Regression, _ settings: TrainingSettings, folder: String? = nil
    ) throws -> (updates: [[Float]], last: [Float], epochs: [EpochReport]) {
      var updates: [[Float]] = []
      var epochs: [EpochReport] = []
      var trainer = try Trainer(objective, settings: settings, folder: folder)
      try trainer.run { event in
        if case .update = event { updates.append(objective.network.weight.value.values) }
        if case .epoch(let epoch) = event { epochs.append(epoch) }
      }
      return (updates, objective.network.weight.value.values, epochs)
    }

    private func expectClose(_ a: [Float], _ b: [Double], _ location: SourceLocation = #_sourceLocation) {
      #expect(a.count == b.count && zip(a, b).allSatisfy { abs(Double($0) - $1) < 1e-5 }, sourceLocation: location)
    }

    @Test func exponentialMeansForgetTheBeginning() throws {
      for decay in [0.3, 0.99] {
        let settings = TrainingSettings(
          epochs: 3, learningRate: 0.05, averaging: .exponential(decay: Float(decay)))
        let (updates, last, epochs) = try train(Regression(), settings)
        var mean = updates[0].map(Double.init)
        for (i, weights) in updates.enumerated().dropFirst() {
          let own = min(decay, Double(i + 2) / Double(i + 11))
          mean = zip(mean, weights).map { own * $0 + (1 - own) * Double($1) }
        }
        expectClose(last, mean)
        #expect(epochs.map(\.isAveraged) == [true, true, true])
        // The training itself goes on as without them.
        let plain = try train(Regression(), TrainingSettings(epochs: 3, learningRate: 0.05))
        #expect(plain.updates == updates && plain.last == updates.last)
        #expect(plain.epochs.map(\.isAveraged) == [nil, nil, nil])
      }
    }

    /// Epochs of 4 updates; the third is worse than the first, which lies more than one epoch back.
    @Test func meansBeginWhereEpochsNoLongerImprove() throws {
      var objective = Regression()
      objective.validationLosses = [1, 0.9, 1.1, 2, 3, 4]
      let settings = TrainingSettings(
        epochs: 5, learningRate: 0.05, rule: .sgd(), earlyStopping: EarlyStopping(patience: 3),
        averaging: .triggered(patience: 1))
      let (updates, last, epochs) = try train(objective, settings)
      let averaged = updates[11...]
      #expect(updates.count == 20)
      let sums = averaged.dropFirst().reduce(averaged[11].map(Double.init)) { zip($0, $1).map { $0 + Double($1) } }
      expectClose(last, sums.map { $0 / Double(averaged.count) })
      #expect(epochs.map(\.isAveraged) == [nil, nil, nil, true, true])
    }

    @Test func meansNeverBeginWhileEpochsImprove() throws {
      var objective = Regression()
      objective.validationLosses = [5, 4, 4.5, 3, 2, 1]
      let settings = TrainingSettings(
        epochs: 6, learningRate: 0.05, rule: .sgd(), averaging: .triggered(patience: 2))
      let (updates, last, epochs) = try train(objective, settings)
      #expect(last == updates.last && epochs.allSatisfy { $0.isAveraged == nil })
    }

    @Test func averagedWeightsAreJudgedAndKept() throws {
      try withFolder { folder in
        let objective = Regression()
        let settings = TrainingSettings(epochs: 1, learningRate: 0.05, averaging: .exponential(decay: 0.9))
        let (updates, last, epochs) = try train(objective, settings, folder: folder + "/model")
        let kept = Affine(inputs: 5, outputs: 2, seed: 99)
        try Weights.load(into: kept, from: folder + "/model/weights.safetensors")
        #expect(kept.weight.value.values == last && last != updates.last)
        // The network has them now.
        #expect(try objective.validationLoss() == epochs[0].validationLoss)
      }
    }

    /// After any update, with updates that cannot be made among them: the same bytes.
    @Test(arguments: [Averaging.exponential(decay: 0.9), .triggered(patience: 1)])
    func resumedEqualsUndisturbed(averaging: Averaging) throws {
      func run(in folder: String, resuming: Bool, stopAfter limit: Int?) throws -> TrainingSummary {
        var objective = Regression()
        objective.validationLosses = [1, 2, 3, 2.5, 2]
        objective.poisonedUpdates = [2, 6, 7, 13, 18]
        let rule = averaging == .triggered(patience: 1) ? UpdateRule.sgd(momentum: 0.5) : .adam()
        let settings = TrainingSettings(
          epochs: 5, learningRate: 0.05, rule: rule, earlyStopping: EarlyStopping(patience: 9), averaging: averaging)
        let stop = StopRequest()
        var made = 0
        var trainer = try Trainer(objective, settings: settings, folder: folder, stop: stop)
        return try trainer.run(resuming: resuming) { event in
          switch event {
          case .update, .skippedUpdate:
            made += 1
            if made == limit { stop.request() }
          default: break
          }
        }
      }
      func result(_ folder: String) throws -> Fingerprint {
        var result = Fingerprint()
        try result.add(folder + "/checkpoints/update-00000020.safetensors")
        try result.add(folder + "/weights.safetensors")
        for epoch in try JSONLines(folder + "/history.jsonl").read(EpochReport.self) {
          result.texts.append("\(epoch.trainingLoss) \(epoch.isAveraged ?? false) \(epoch.skippedUpdates ?? 0)")
        }
        return result
      }
      try withFolder { folder in
        #expect(try run(in: folder + "/whole", resuming: false, stopAfter: nil).reason == .finished)
        let whole = try result(folder + "/whole")
        #expect(whole.tensors.keys.contains { $0.contains("average/weight") })
        for stop in 1...20 {
          let parts = folder + "/\(stop)"
          #expect(try run(in: parts, resuming: false, stopAfter: stop).reason == .interrupted)
          #expect(try run(in: parts, resuming: true, stopAfter: nil).reason == .finished)
          #expect(try result(parts) == whole, "stopped after \(stop)")
        }
      }
    }

    @Test func checkpointsOfOtherAveragesAreRefused() throws {
      try withFolder { folder in
        let averaging = TrainingSettings(epochs: 2, averaging: .exponential(decay: 0.9))
        var trainer = try Trainer(Regression(), settings: averaging, folder: folder)
        try trainer.run()
        var other = try Trainer(Regression(), settings: TrainingSettings(epochs: 3), folder: folder)
        let message = unrollError { try other.run(resuming: true) }?.message
        #expect(message?.hasPrefix("the checkpoint has averaged weights") == true)
        // Averages that are not of all weights, or of another number of updates.
        let path = folder + "/checkpoints/update-00000008.safetensors"
        let file = try SafeTensors.read(from: path)
        var less = file
        less.tensors.removeAll { $0.name == "average/bias" }
        let counters = try #require(file.metadata["training"])
        var none = file
        none.metadata["training"] = counters.replacing("\"averagedUpdates\":8", with: "\"averagedUpdates\":0")
        #expect(none.metadata != file.metadata)
        for damaged in [less, none] {
          try damaged.write(to: path)
          var again = try Trainer(Regression(), settings: averaging, folder: folder)
          let error = unrollError { try again.run(resuming: true) }
          #expect(error?.message.hasPrefix("the averaged weights are ") == true && error?.place == path)
        }
      }
    }
  }
}
