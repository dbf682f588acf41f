import Recurrence
import Tensors
import Testing

/// What each pass does, and what it leaves alone: graphs as text, before and after.
@Suite struct SplitConcatenationsTests {
  @Test func splitsProductsOfConcatenations() {
    let step = SmallStep()
    let hx = concatenated(step.state(0, width: 3), step.input(0, width: 2))
    let graph = step.graph(states: [tanh(matmul(hx, step.weight(0, [3, 5]), transposeB: true))])
    #expect(
      graph.description == """
        %0 [1, 3] loop = state 0
        %1 [1, 2] loop = input 0
        %2 [1, 5] loop = concatenate(features) %0 %1
        %3 [3, 5] once = weight 0
        %4 [1, 3] loop = product·ᵀ %2 %3
        %5 [1, 3] loop = tanh %4
        outputs
        states %5
        """)
    #expect(
      graph.after("split").description == """
        %0 [1, 3] loop = state 0
        %1 [1, 2] loop = input 0
        %2 [3, 5] once = weight 0
        %3 [3, 3] once = slice(features, 0, 3) %2
        %4 [1, 3] loop = product·ᵀ %0 %3
        %5 [3, 2] once = slice(features, 3, 5) %2
        %6 [1, 3] loop = product·ᵀ %1 %5
        %7 [1, 3] loop = add %4 %6
        %8 [1, 3] loop = tanh %7
        outputs
        states %8
        """)
  }

  /// At any depth, and for weights that are not transposed, whose rows are split.
  @Test func splitsNestedConcatenations() {
    let step = SmallStep()
    let inner = concatenated(step.input(0, width: 2), step.input(1, width: 1))
    let graph = step.graph(states: [matmul(concatenated(step.state(0, width: 3), inner), step.weight(0, [6, 3]))])
    #expect(
      graph.after("split").description == """
        %0 [1, 2] loop = input 0
        %1 [1, 1] loop = input 1
        %2 [1, 3] loop = state 0
        %3 [6, 3] once = weight 0
        %4 [3, 3] once = slice(rows, 0, 3) %3
        %5 [1, 3] loop = product·· %2 %4
        %6 [2, 3] once = slice(rows, 3, 5) %3
        %7 [1, 3] loop = product·· %0 %6
        %8 [1, 3] once = slice(rows, 5, 6) %3
        %9 [1, 3] loop = product·· %1 %8
        %10 [1, 3] loop = add %5 %7
        %11 [1, 3] loop = add %10 %9
        outputs
        states %11
        """)
  }

  /// A concatenation that something else reads too stays, beside the split product; products of plain values and
  /// concatenations that no product reads are not touched.
  @Test func leavesOtherConcatenationsAlone() {
    let step = SmallStep()
    let (h, x) = (step.state(0, width: 2), step.input(0, width: 1))
    let graph = step.graph(
      outputs: [tanh(concatenated(h, x))],
      states: [matmul(h, step.weight(0, [2, 2])) + matmul(x, step.weight(1, [1, 2]))])
    #expect(graph.after("split") == graph)
  }
}

@Suite struct StackSiblingsTests {
  @Test func stacksProductsOfOneOperand() {
    let step = SmallStep()
    let h = step.state(0, width: 3)
    let first = matmul(h, step.weight(0, [3, 3]), transposeB: true)
    let second = matmul(h, step.weight(1, [2, 3]), transposeB: true)
    let graph = step.graph(outputs: [tanh(second)], states: [sigmoid(first)])
    #expect(
      graph.description == """
        %0 [1, 3] loop = state 0
        %1 [3, 3] once = weight 0
        %2 [1, 3] loop = product·ᵀ %0 %1
        %3 [2, 3] once = weight 1
        %4 [1, 2] loop = product·ᵀ %0 %3
        %5 [1, 2] loop = tanh %4
        %6 [1, 3] loop = sigmoid %2
        outputs %5
        states %6
        """)
    #expect(
      graph.after("stack").description == """
        %0 [1, 3] loop = state 0
        %1 [3, 3] once = weight 0
        %2 [2, 3] once = weight 1
        %3 [5, 3] once = concatenate(rows) %1 %2
        %4 [1, 5] loop = product·ᵀ %0 %3
        %5 [1, 3] loop = slice(features, 0, 3) %4
        %6 [1, 2] loop = slice(features, 3, 5) %4
        %7 [1, 2] loop = tanh %6
        %8 [1, 3] loop = sigmoid %5
        outputs %7
        states %8
        """)
  }

  /// Sums of slices that cover a product become one sum, with stacked products as terms and with vectors.
  @Test func joinsSumsOfSlices() {
    let step = SmallStep()
    let (h, x) = (step.state(0, width: 2), step.input(0, width: 4))
    func layer(_ first: Int) -> Tensor {
      matmul(h, step.weight(first, [2, 2])) + matmul(x, step.weight(first + 1, [4, 2])) + step.weight(first + 2, [2])
    }
    let graph = step.graph(states: [sigmoid(layer(0)) * tanh(layer(3))])
    #expect(
      graph.after("stack").description == """
        %0 [1, 2] loop = state 0
        %1 [1, 4] loop = input 0
        %2 [2, 2] once = weight 0
        %3 [2, 2] once = weight 3
        %4 [2, 4] once = concatenate(features) %2 %3
        %5 [1, 4] loop = product·· %0 %4
        %6 [4, 2] once = weight 1
        %7 [4, 2] once = weight 4
        %8 [4, 4] once = concatenate(features) %6 %7
        %9 [1, 4] loop = product·· %1 %8
        %10 [1, 4] loop = add %5 %9
        %11 [2] once = weight 2
        %12 [2] once = weight 5
        %13 [4] once = concatenate(features) %11 %12
        %14 [1, 4] loop = add %10 %13
        %15 [1, 2] loop = slice(features, 0, 2) %14
        %16 [1, 2] loop = sigmoid %15
        %17 [1, 2] loop = slice(features, 2, 4) %14
        %18 [1, 2] loop = tanh %17
        %19 [1, 2] loop = multiply %16 %18
        outputs
        states %19
        """)
  }

  /// Products of different operands, of different orientation, and a product that has no sibling.
  @Test func leavesOtherProductsAlone() {
    let step = SmallStep()
    let (h, x) = (step.state(0, width: 3), step.input(0, width: 2))
    let graph = step.graph(
      outputs: [matmul(x, step.weight(0, [2, 3]))],
      states: [matmul(h, step.weight(1, [3, 3])) + matmul(h, step.weight(2, [3, 3]), transposeB: true)])
    #expect(graph.after("stack") == graph)
  }

  /// The second product is read as it is, so its sum with the bias cannot be joined to the first one's.
  @Test func leavesSumsThatDoNotCoverTheProductAlone() {
    let step = SmallStep()
    let h = step.state(0, width: 2)
    let (first, second) = (matmul(h, step.weight(0, [2, 2])), matmul(h, step.weight(1, [2, 2])))
    let graph = step.graph(outputs: [second], states: [first + step.weight(2, [2])])
    #expect(
      graph.after("stack").description == """
        %0 [1, 2] loop = state 0
        %1 [2, 2] once = weight 0
        %2 [2, 2] once = weight 1
        %3 [2, 4] once = concatenate(features) %1 %2
        %4 [1, 4] loop = product·· %0 %3
        %5 [1, 2] loop = slice(features, 0, 2) %4
        %6 [1, 2] loop = slice(features, 2, 4) %4
        %7 [2] once = weight 2
        %8 [1, 2] loop = add %5 %7
        outputs %6
        states %8
        """)
  }
}

@Suite struct HoistStatelessTests {
  @Test func movesProductsOfTheInputBeforeTheLoop() {
    let step = SmallStep()
    let (h, x) = (step.state(0, width: 3), step.input(0, width: 2))
    let sum = matmul(h, step.weight(0, [3, 3])) + matmul(x, step.weight(1, [2, 3])) + step.weight(2, [3])
    let graph = step.graph(states: [tanh(sum)])
    #expect(
      graph.description == """
        %0 [1, 3] loop = state 0
        %1 [1, 2] loop = input 0
        %2 [3, 3] once = weight 0
        %3 [1, 3] loop = product·· %0 %2
        %4 [2, 3] once = weight 1
        %5 [1, 3] loop = product·· %1 %4
        %6 [1, 3] loop = add %3 %5
        %7 [3] once = weight 2
        %8 [1, 3] loop = add %6 %7
        %9 [1, 3] loop = tanh %8
        outputs
        states %9
        """)
    #expect(
      graph.after("hoist").description == """
        %0 [1, 3] loop = state 0
        %1 [1, 2] loop = input 0
        %2 [3, 3] once = weight 0
        %3 [1, 3] loop = product·· %0 %2
        %4 [2, 3] once = weight 1
        %5 [1, 3] before = product·· %1 %4
        %6 [3] once = weight 2
        %7 [1, 3] before = add %5 %6
        %8 [1, 3] loop = add %3 %7
        %9 [1, 3] loop = tanh %8
        outputs
        states %9
        """)
  }

  /// What feeds a product that moves goes with it.
  @Test func movesWhatTheProductIsComputedFrom() {
    let step = SmallStep()
    let x = step.input(0, width: 2)
    let graph = step.graph(states: [step.state(0, width: 3) * matmul(square(x), step.weight(0, [2, 3]))])
    #expect(
      graph.after("hoist").description == """
        %0 [1, 2] loop = input 0
        %1 [1, 3] loop = state 0
        %2 [1, 2] before = square %0
        %3 [2, 3] once = weight 0
        %4 [1, 3] before = product·· %2 %3
        %5 [1, 3] loop = multiply %1 %4
        outputs
        states %5
        """)
  }

  /// Elementwise work on the input that no product reads, and products that need the state, directly or by way of others.
  @Test func leavesElementwiseWorkAndTheStatesProductsAlone() {
    let step = SmallStep()
    let (h, x) = (step.state(0, width: 2), step.input(0, width: 2))
    let graph = step.graph(states: [matmul(tanh(x) + h, step.weight(0, [2, 2])) * sigmoid(x)])
    #expect(graph.after("hoist") == graph)
  }
}

@Suite struct SinkUnneededTests {
  @Test func movesReadoutsBehindTheLoop() {
    let step = SmallStep()
    let h = step.state(0, width: 3)
    let new = tanh(matmul(h, step.weight(0, [3, 3])))
    let graph = step.graph(
      outputs: [sigmoid(matmul(new, step.weight(1, [3, 2])) + step.weight(2, [2]))], states: [new])
    #expect(
      graph.description == """
        %0 [1, 3] loop = state 0
        %1 [3, 3] once = weight 0
        %2 [1, 3] loop = product·· %0 %1
        %3 [1, 3] loop = tanh %2
        %4 [3, 2] once = weight 1
        %5 [1, 2] loop = product·· %3 %4
        %6 [2] once = weight 2
        %7 [1, 2] loop = add %5 %6
        %8 [1, 2] loop = sigmoid %7
        outputs %8
        states %3
        """)
    #expect(
      graph.after("sink").description == """
        %0 [1, 3] loop = state 0
        %1 [3, 3] once = weight 0
        %2 [1, 3] loop = product·· %0 %1
        %3 [1, 3] loop = tanh %2
        %4 [3, 2] once = weight 1
        %5 [1, 2] after = product·· %3 %4
        %6 [2] once = weight 2
        %7 [1, 2] after = add %5 %6
        %8 [1, 2] after = sigmoid %7
        outputs %8
        states %3
        """)
  }

  /// Elementwise work on the output alone, and a product whose result comes back as the state.
  @Test func leavesWhatTheStateNeedsAndElementwiseWorkAlone() {
    let step = SmallStep()
    let h = step.state(0, width: 2)
    let product = matmul(h, step.weight(0, [2, 2]))
    let graph = step.graph(outputs: [2 * h, product], states: [square(product)])
    #expect(graph.after("sink") == graph)
  }

  /// What was moved before the loop is not moved again.
  @Test func leavesHoistedProductsAlone() {
    let step = SmallStep()
    let graph = step.graph(
      outputs: [matmul(step.input(0, width: 2), step.weight(0, [2, 3]))], states: [tanh(step.state(0, width: 1))]
    ).after("hoist")
    #expect(graph.after("sink") == graph)
  }
}

@Suite struct FusePointwiseTests {
  @Test func fusesChainsAndStartsProductsFromSums() {
    let step = SmallStep()
    let (h, c, x) = (step.state(0, width: 2), step.state(1, width: 2), step.input(0, width: 2))
    let gate = sigmoid(matmul(h, step.weight(0, [2, 2])) + x)
    let new = gate * c + (1 - gate) * x
    let graph = step.graph(states: [tanh(new), new])
    #expect(
      graph.description == """
        %0 [1, 2] loop = state 0
        %1 [1, 2] loop = state 1
        %2 [1, 2] loop = input 0
        %3 [2, 2] once = weight 0
        %4 [1, 2] loop = product·· %0 %3
        %5 [1, 2] loop = add %4 %2
        %6 [1, 2] loop = sigmoid %5
        %7 [1, 2] loop = multiply %6 %1
        %8 [1, 2] loop = affine(-1.0, 1.0) %6
        %9 [1, 2] loop = multiply %8 %2
        %10 [1, 2] loop = add %7 %9
        %11 [1, 2] loop = tanh %10
        outputs
        states %11 %10
        """)
    #expect(
      graph.after("fuse").description == """
        %0 [1, 2] loop = state 0
        %1 [1, 2] loop = state 1
        %2 [1, 2] loop = input 0
        %3 [2, 2] once = weight 0
        %4 [1, 2] loop = product·· %0 %3
        %5 [1, 2] loop into %4 = add %4 %2
        %6 [1, 2] loop group 0 = sigmoid %5
        %7 [1, 2] loop group 0 = multiply %6 %1
        %8 [1, 2] loop group 0 = affine(-1.0, 1.0) %6
        %9 [1, 2] loop group 0 = multiply %8 %2
        %10 [1, 2] loop group 0 = add %7 %9
        %11 [1, 2] loop group 0 = tanh %10
        outputs
        states %11 %10
        """)
  }

  /// A product that is read twice must be there by itself; values of different widths do not share a tile.
  @Test func leavesSharedProductsAndOtherWidthsApart() {
    let step = SmallStep()
    let h = step.state(0, width: 2)
    let product = matmul(h, step.weight(0, [2, 2]))
    let graph = step.graph(
      outputs: [square(step.input(0, width: 3))], states: [(product + step.weight(1, [2])) * product])
    #expect(
      graph.after("fuse").description == """
        %0 [1, 2] loop = state 0
        %1 [2, 2] once = weight 0
        %2 [1, 2] loop = product·· %0 %1
        %3 [1, 3] loop = input 0
        %4 [1, 3] loop group 0 = square %3
        %5 [2] once = weight 1
        %6 [1, 2] loop group 1 = add %2 %5
        %7 [1, 2] loop group 1 = multiply %6 %2
        outputs %4
        states %7
        """)
  }

  /// A product does not wait for a term that the loop computes elementwise.
  @Test func leavesTermsOfTheLoopAlone() {
    let step = SmallStep()
    let h = step.state(0, width: 2)
    let term = square(h)
    let graph = step.graph(states: [sigmoid(matmul(h, step.weight(0, [2, 2])) + term)])
    #expect(
      graph.after("fuse").description == """
        %0 [1, 2] loop = state 0
        %1 [1, 2] loop group 0 = square %0
        %2 [2, 2] once = weight 0
        %3 [1, 2] loop = product·· %0 %2
        %4 [1, 2] loop group 1 = add %3 %1
        %5 [1, 2] loop group 1 = sigmoid %4
        outputs
        states %5
        """)
  }

  /// A term that comes after the product is too late to start it, and what stands between two products cannot run in one
  /// sweep.
  @Test func leavesWhatComesTooLateAlone() {
    let step = SmallStep()
    let h = step.state(0, width: 2)
    let term = tanh(h)
    let middle = matmul(term, step.weight(0, [2, 2])) + square(h)
    let graph = step.graph(states: [sigmoid(matmul(middle, step.weight(1, [2, 2])))])
    #expect(
      graph.after("fuse").description == """
        %0 [1, 2] loop = state 0
        %1 [1, 2] loop group 0 = tanh %0
        %2 [2, 2] once = weight 0
        %3 [1, 2] loop = product·· %1 %2
        %4 [1, 2] loop group 0 = square %0
        %5 [1, 2] loop group 1 = add %3 %4
        %6 [2, 2] once = weight 1
        %7 [1, 2] loop = product·· %5 %6
        %8 [1, 2] loop group 2 = sigmoid %7
        outputs
        states %8
        """)
  }

  @Test func leavesGraphsWithoutElementwiseWorkAlone() {
    let step = SmallStep()
    let graph = step.graph(states: [matmul(step.state(0, width: 2), step.weight(0, [2, 2]))])
    #expect(graph.after("fuse") == graph)
  }
}
