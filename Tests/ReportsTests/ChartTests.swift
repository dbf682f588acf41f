import Foundation
import Recurrence
import Reports
import Testing

@Suite struct ChartTests {
  // MARK: Heat map

  @Test func smallGridsHaveACellForEachNorm() {
    let grid = FlowGrid([(5, [1, 10, 100]), (10, [0.1, 1, 1000])])
    #expect(grid.updates == [5, 10])
    #expect(grid.steps == [1, 2, 3])
    #expect(grid.cells == [[0, -1], [1, 0], [2, 3]])
    #expect(grid.range == -1...3)
    #expect(grid.share(1) == 0.5 && grid.share(-9) == 0 && grid.share(9) == 1)
  }

  /// Every norm falls into one cell, whose value is the mean of the logarithms.
  @Test(arguments: [(7, 5, 3, 2), (300, 250, 120, 80), (121, 81, 120, 80), (4, 3, 4, 3)])
  func neighboursShareCells(updates: Int, steps: Int, columns: Int, rows: Int) throws {
    let curves = (0..<updates).map { u in
      (update: 10 * u, norms: (0..<steps).map { pow(10, Double(u) * 0.01 - Double($0) * 0.02) })
    }
    let grid = FlowGrid(curves, columns: columns, rows: rows)
    #expect(grid.cells.count == rows && grid.cells.allSatisfy { $0.count == columns })
    var sums = [[Double]](repeating: [Double](repeating: 0, count: columns), count: rows)
    var counts = sums
    for u in 0..<updates {
      let column = try #require(grid.updates.lastIndex { $0 <= 10 * u })
      for s in 0..<steps {
        let row = try #require(grid.steps.lastIndex { $0 <= s + 1 })
        sums[row][column] += Double(u) * 0.01 - Double(s) * 0.02
        counts[row][column] += 1
      }
    }
    for row in 0..<rows {
      for column in 0..<columns {
        let cell = try #require(grid.cells[row][column])
        #expect(abs(cell - sums[row][column] / counts[row][column]) < 1e-9, "row \(row), column \(column)")
      }
    }
  }

  @Test func whatIsMissingOrZeroIsToldApart() {
    let grid = FlowGrid([(1, [1, 0, .nan]), (2, [.infinity])])
    #expect(grid.cells == [[0, nil], [-.infinity, nil], [nil, nil]])
    #expect(grid.share(-.infinity) == 0)
    #expect(FlowGrid([]).cells.isEmpty)
    #expect(FlowGrid([(1, [])]).cells.isEmpty)
    // What underflowed does not take the colours of all else.
    #expect(FlowGrid([(1, [1, 1e-300])]).range == -12...0)
    // What is the same everywhere has a range nevertheless.
    #expect(FlowGrid([(1, [1, 1])]).range == -0.5...0)
  }

  // MARK: Colours

  @Test func coloursAreLighterTheLargerTheNumber() {
    let colours = (0...200).map { ColourScale.viridis(Double($0) / 200) }
    for (a, b) in zip(colours, colours.dropFirst()) { #expect(a.lightness < b.lightness + 0.05) }
    for (a, b) in zip(colours, colours.dropFirst(20)) { #expect(b.lightness > a.lightness + 4) }
    #expect(colours[0].hex == "#440154" && colours[200].hex == "#fde725")
    #expect(colours[0].ink == "#ffffff" && colours[200].ink == "#000000")
    #expect(ColourScale.viridis(-1) == colours[0] && ColourScale.viridis(2) == colours[200])
    #expect(ColourScale.viridis(.nan) == colours[0])
  }

  // MARK: Axes

  @Test func axesShowTheirValuesAndWriteSome() throws {
    for scale in [Axis.Scale.linear, .whole, .logarithmic] {
      for values in [[1.0, 2, 3], [5], [0.001, 20_000], [1e-9, 2e-9], [400, 403], [1, 1e12], [0, 0.01], []] {
        let axis = Axis(values, scale)
        let places = values.compactMap { axis.place($0) }
        #expect(places.allSatisfy { (0...1).contains($0) }, "\(scale) \(values): \(places)")
        #expect(places.count == values.count { scale != .logarithmic || $0 > 0 })
        let ticks = axis.ticks
        #expect((1...12).contains(ticks.count), "\(scale) \(values): \(ticks)")
        #expect(Set(ticks.map(\.label)).count == ticks.count, "\(scale) \(values): \(ticks)")
        #expect(zip(ticks, ticks.dropFirst()).allSatisfy { $0.place < $1.place }, "\(scale) \(values): \(ticks)")
      }
    }
    #expect(Axis([1, 10], .logarithmic).place(0) == nil)
    #expect(Axis([1, 10], .linear).place(.nan) == nil)
    #expect(Axis([1, 1000], .logarithmic).ticks.map(\.label) == ["10⁰", "10¹", "10²", "10³"])
    #expect(Axis([1, 3], .whole).ticks.map(\.label) == ["1", "2", "3"])
    #expect(Axis([0, 0.01], .linear).ticks.map(\.label) == ["0.000", "0.005", "0.010"])
  }

  @Test func numbersAreReadable() {
    let written: [(Double, String)] = [
      (0, "0"), (1, "1.00"), (0.0123456, "0.0123"), (123.4, "123"), (1234.4, "1,234"), (-5, "−5.00"),
      (1.234e-7, "1.23 × 10⁻⁷"), (-2.5e12, "−2.50 × 10¹²"), (.nan, "no number"), (0.99996, "1.00"), (-.infinity, "−∞"),
      (999.7, "1,000"),
    ]
    for (value, text) in written { #expect(Figures.short(value) == text) }
    #expect(Figures.whole(-1_234_567) == "−1,234,567" && Figures.whole(Int.min).hasSuffix(",808"))
    #expect(Figures.percent(0.0312) == "3.1 %" && Figures.percent(0) == "0 %" && Figures.percent(1) == "100 %")
    #expect(Figures.duration(4.21) == "4.2 s" && Figures.duration(200) == "3 min 20 s")
    #expect(Figures.duration(7500) == "2 h 5 min")
  }
}
