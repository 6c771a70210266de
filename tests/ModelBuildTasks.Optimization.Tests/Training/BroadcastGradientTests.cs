using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Tests.Training;

/// <summary>Operators of several operands that broadcast, on random shapes.</summary>
[TestClass]
public sealed class BroadcastGradientTests
{
    private const int Seeds = 8;

    [TestMethod]
    [DataRow("Add", 2)]
    [DataRow("Mul", 2)]
    [DataRow("Sub", 2)]
    [DataRow("Sum", 1)]
    [DataRow("Sum", 3)]
    [DataRow("Mean", 3)]
    public void Matches_differences(string opType, int operands)
    {
        for (int seed = 1; seed <= Seeds; seed++)
        {
            GradientCheck.Verify((graph, v) => graph.AddNode(opType, v).Output, RandomShapes.DrawBroadcast(seed, operands));
        }
    }

    [TestMethod]
    [DataRow("Div", 0.5f)]
    [DataRow("Pow", 1.5f)]
    public void Matches_differences_at_positive_values(string opType, float low)
    {
        for (int seed = 1; seed <= Seeds; seed++)
        {
            long[][] shapes = RandomShapes.DrawBroadcast(seed, 2);
            GradientCheck.Verify((graph, v) => graph.Add(opType, v[0], v[1]), [RandomShapes.Between(shapes[0], seed, low, high: 3), RandomShapes.Positive(shapes[1], seed + 1)]);
        }
    }

    [TestMethod]
    [DataRow("Max", 2)]
    [DataRow("Max", 3)]
    [DataRow("Min", 2)]
    [DataRow("Min", 1)]
    public void Matches_differences_at_values_that_are_apart(string opType, int operands)
    {
        for (int seed = 1; seed <= Seeds; seed++)
        {
            long[][] shapes = RandomShapes.DrawBroadcast(seed, operands);
            GradientCheck.Verify((graph, v) => graph.AddNode(opType, v).Output, Apart(shapes, seed));
        }
    }

    /// <summary>At a tie the differences of either operand are half of what they are on the taken side.</summary>
    [TestMethod]
    public void Shares_the_gradient_among_equal_extremes() =>
        GradientCheck.Verify((graph, v) => graph.Add("Max", v[0], v[1]), [Tensor.Vector(1f, 2, 3), Tensor.Vector(1f, 3, 2)]);

    [TestMethod]
    public void Matches_differences_of_powers_of_negative_numbers_with_whole_exponents()
    {
        GradientCheck.Verify((graph, v) => graph.Add("Pow", v[0], graph.AddInitializer("two", Tensor.Scalar(2L))), [2, 5]);
        GradientCheck.Verify((graph, v) => graph.Add("Pow", v[0], graph.AddInitializer("three", Tensor.Vector(0f, 1, 3))), [4, 3]);
    }

    [TestMethod]
    public void Has_no_gradient_in_a_zeroth_power_of_zero() =>
        GradientCheck.Verify((graph, v) => graph.Add("Pow", v[0], graph.AddInitializer("powers", Tensor.Vector(0f, 1, 2))), [Tensor.Vector(0f, 0, 0)]);

    [TestMethod]
    public void Matches_differences_of_a_choice()
    {
        for (int seed = 1; seed <= Seeds; seed++)
        {
            long[][] shapes = RandomShapes.DrawBroadcast(seed, 3);
            bool[] condition = [.. RandomShapes.Between(shapes[2], seed, -1, 1).ToSingles().Select(value => value > 0)];
            GradientCheck.Verify((graph, v) => graph.Add("Where", graph.AddInitializer("condition", Tensor.Create(shapes[2], condition)), v[0], v[1]), shapes[..2]);
        }
    }

    /// <summary>One set of values that are apart, dealt to all operands.</summary>
    private static Tensor[] Apart(long[][] shapes, int seed)
    {
        long[] lengths = [.. shapes.Select(shape => shape.Aggregate(1L, (product, size) => product * size))];
        float[] all = RandomShapes.Distinct([lengths.Sum()], seed).ToSingles();
        int start = 0;
        return [.. shapes.Select((shape, i) => Tensor.Create(shape, all[start..(start += (int)lengths[i])]))];
    }
}
