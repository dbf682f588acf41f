import Foundation
import Interchange
import Testing
import Training

extension TrainingTests {
  @Suite struct ScheduleTests {
    private func rates(_ schedule: Schedule, _ updates: [Int], of total: Int) -> [Float] {
      updates.map { schedule.learningRate(2, update: $0, of: total) }
    }

    private func expectClose(_ found: [Float], _ wanted: [Float]) {
      #expect(found.count == wanted.count)
      for (found, wanted) in zip(found, wanted) { #expect(abs(found - wanted) < 1e-6, "\(found) is not \(wanted)") }
    }

    @Test func constant() { expectClose(rates(.constant, [0, 5, 99], of: 10), [2, 2, 2]) }

    @Test func stepDecay() {
      expectClose(rates(.stepDecay(every: 3, factor: 0.5), [0, 2, 3, 5, 6, 30], of: 9), [2, 2, 1, 1, 0.5, 2 / 1024])
    }

    @Test func cosine() {
      // Warm-up of 4, then 8 updates along the cosine to a tenth; by hand: 1.1 + 0.9 cos(π t), t = 0, 1/4, 1/2, 3/4.
      let schedule = Schedule.cosine(warmUp: 4, final: 0.1)
      expectClose(rates(schedule, [0, 1, 2, 3], of: 12), [0.5, 1, 1.5, 2])
      expectClose(rates(schedule, [4, 6, 8, 10], of: 12), [2, 1.7363961, 1.1, 0.46360390])
      expectClose(rates(schedule, [12, 50], of: 12), [0.2, 0.2])
      expectClose(rates(.cosine(), [0, 5], of: 10), [2, 1])
      // A warm-up as long as the training, or longer, divides by nothing.
      expectClose(rates(.cosine(warmUp: 10), [0, 9, 10], of: 10), [0.2, 2, 2])
      expectClose(rates(.cosine(warmUp: 20), [9], of: 10), [1])
      #expect(Schedule.cosine(warmUp: 20, final: 0.5).warmingUp(atMost: 3) == .cosine(warmUp: 3, final: 0.5))
      #expect(
        Schedule.cosine(warmUp: 2).warmingUp(atMost: 3) == .cosine(warmUp: 2)
          && Schedule.constant.warmingUp(atMost: 3) == .constant)
    }

    @Test func usualPatienceLeavesACosineTime() {
      func patience(_ epochs: Int, _ schedule: Schedule, _ averaging: Averaging? = nil) -> Int {
        EarlyStopping.usual(for: TrainingSettings(epochs: epochs, schedule: schedule, averaging: averaging)).patience
      }
      #expect(patience(100, .constant) == 5 && patience(3, .cosine()) == 5)
      #expect(patience(40, .cosine()) == 20 && patience(21, .stepDecay(every: 9, factor: 0.5)) == 10)
      // NT-ASGD begins before patience ends.
      #expect(patience(100, .constant, .triggered(patience: 7)) == 13)
    }

    @Test func settingsSurviveJSON() throws {
      let settings = TrainingSettings(
        epochs: 3, learningRate: 0.1, rule: .sgd(momentum: 0.9, nesterov: true, weightDecay: 0.5),
        schedule: .cosine(warmUp: 7, final: 0.25), clipping: .value(0.5),
        earlyStopping: EarlyStopping(patience: 2, minimumImprovement: 0.01), averaging: .triggered(patience: 3),
        checkpointInterval: 11)
      let json = try JSONEncoder().encode(settings)
      #expect(try JSONDecoder().decode(TrainingSettings.self, from: json) == settings)
    }

    @Test func impossibleSettingsAreRefused() {
      var cases: [(TrainingSettings, String)] = []
      func add(_ message: String, _ change: (inout TrainingSettings) -> Void) {
        var settings = TrainingSettings()
        change(&settings)
        cases.append((settings, message))
      }
      add("epochs, not -1") { $0.epochs = -1 }
      add("learning rate is above 0, not 0.0") { $0.learningRate = 0 }
      add("learning rate is above 0, not nan") { $0.learningRate = .nan }
      add("momentum is in 0..<1, not 1.0") { $0.rule = .sgd(momentum: 1) }
      add("needs a momentum") { $0.rule = .sgd(nesterov: true) }
      add("betas are in 0..<1, not 0.9 and 1.5") { $0.rule = .adam(beta2: 1.5) }
      add("epsilon is above 0") { $0.rule = .adamW(epsilon: 0) }
      add("weight decay is 0 or more, not -1.0") { $0.rule = .adamW(weightDecay: -1) }
      add("every 1 or more updates, not 0") { $0.schedule = .stepDecay(every: 0, factor: 0.5) }
      add("factor is above 0 and at most 1, not 2.0") { $0.schedule = .stepDecay(every: 1, factor: 2) }
      add("warm-up takes 0 or more updates, not -3") { $0.schedule = .cosine(warmUp: -3) }
      add("final fraction is in 0...1, not 1.5") { $0.schedule = .cosine(final: 1.5) }
      add("limit of gradients is above 0, not 0.0") { $0.clipping = .norm(0) }
      add("limit of gradients is above 0, not -1.0") { $0.clipping = .value(-1) }
      add("limit of gradients is above 0, not 0.0") { $0.clipping = .adaptive(0) }
      add("decay of averages is above 0 and below 1, not 1.0") { $0.averaging = .exponential(decay: 1) }
      add("averaging waits for 1 to 1000000 epochs, not 0") {
        ($0.rule, $0.averaging) = (.sgd(), .triggered(patience: 0))
      }
      add("of stochastic gradient descent") { $0.averaging = .triggered() }
      add("patience is 1 or more epochs, not 0") { $0.earlyStopping = EarlyStopping(patience: 0) }
      add("minimum improvement is 0 or more") {
        $0.earlyStopping = EarlyStopping(patience: 1, minimumImprovement: -1)
      }
      add("every 1 or more updates, not 0") { $0.checkpointInterval = 0 }
      for (settings, message) in cases {
        let error = unrollError { _ = try Trainer(Regression(), settings: settings) }
        #expect(error?.kind == .usage)
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "") lacks: \(message)")
      }
    }
  }
}
