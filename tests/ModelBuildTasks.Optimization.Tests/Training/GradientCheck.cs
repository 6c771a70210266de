using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Training;

namespace ModelBuildTasks.Optimization.Tests.Training;

/// <summary>
/// Compares the built gradient of L = Σ weight ⊙ f(operands) with central differences of the forward graph, both run by ONNX Runtime. L is
/// summed in double precision, so that only the rounding of f itself remains.
/// </summary>
internal static class GradientCheck
{
    /// <summary>Largest allowed difference, relative to the operand's largest gradient.</summary>
    public const double Tolerance = 5e-4;

    private const float Step = 1e-2f;

    /// <summary>With a wider step less of the forward pass's rounding is left, which differs by processor, but kinks and curves may be met. A right gradient fits at one of the two.</summary>
    private const float WideStep = 3e-2f;

    /// <summary>Share of the tolerance from which the wider step is tried, too.</summary>
    private const double Doubt = 0.1;

    /// <summary>An operator set that has Gelu, Mish, Swish, GroupNormalization and RMSNormalization.</summary>
    private const long NewestOpset = 24;

    /// <param name="build">Builds f from operands.</param>
    /// <param name="shapes">Shape of each operand. The gradient is checked for each.</param>
    public static void Verify(Func<Graph, Value[], Value> build, params long[][] shapes) =>
        Verify(build, [.. shapes.Select((shape, i) => Draw(shape, seed: 17 + i))]);

    /// <inheritdoc cref="Verify(Func{Graph, Value[], Value}, long[][])"/>
    public static void Verify(Func<Graph, Value[], Value> build, Tensor[] operands, long opset = NewestOpset)
    {
        double[] errors = Errors(build, operands, opset);
        for (int i = 0; i < errors.Length; i++)
        {
            Assert.IsLessThan(Tolerance, errors[i], $"relative error of the gradient of operand {i}");
        }
    }

    /// <summary>The largest error of each operand's gradient, relative to its largest element.</summary>
    public static double[] Errors(Func<Graph, Value[], Value> build, Tensor[] operands, long opset = NewestOpset)
    {
        using ModelSession forward = ModelSession.Open(Forward(build, operands, opset));
        Tensor weight = Draw([.. forward.Run(operands)[0].Dimensions], seed: 5);
        IReadOnlyList<Tensor> gradients = Gradients(build, operands, weight, opset);
        double[] errors = new double[operands.Length];
        for (int i = 0; i < operands.Length; i++)
        {
            float[] gradient = gradients[i].ToSingles();
            CollectionAssert.AreEqual(operands[i].Dimensions.ToArray(), gradients[i].Dimensions.ToArray());
            double[] numeric = [.. gradient.Select((_, element) => Difference(forward, operands, i, element, Step, weight))];
            double largest = Math.Max(1e-3, numeric.Max(Math.Abs));
            errors[i] = gradient.Select((value, element) =>
            {
                double error = Math.Abs(numeric[element] - value) / largest;
                return error > Doubt * Tolerance ? Math.Min(error, Math.Abs(Difference(forward, operands, i, element, WideStep, weight) - value) / largest) : error;
            }).Max();
        }

        return errors;
    }

    /// <summary>Normal numbers kept two steps away from 0, where Relu has a kink.</summary>
    public static Tensor Draw(long[] shape, int seed, float offset = 0)
    {
        Random random = new(seed);
        float[] values = new float[shape.Aggregate(1L, (product, size) => product * size)];
        for (int i = 0; i < values.Length; i++)
        {
            double value = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
            values[i] = (float)(value + (Math.Sign(value) * 2 * Step)) + offset;
        }

        return Tensor.Create(shape, values);
    }

    /// <summary>The central difference of fourth order: (8·(L(+h) − L(−h)) − (L(+2h) − L(−2h))) / 12h.</summary>
    private static double Difference(ModelSession forward, Tensor[] operands, int operand, int element, float step, Tensor weight)
    {
        double At(float moved) => Loss(forward, operands, operand, element, moved, weight);
        return ((8 * (At(step) - At(-step))) - (At(2 * step) - At(-2 * step))) / (12 * step);
    }

    private static double Loss(ModelSession forward, Tensor[] operands, int operand, int element, float step, Tensor weight)
    {
        float[] moved = operands[operand].ToSingles();
        moved[element] += step;
        Tensor[] all = [.. operands];
        all[operand] = Tensor.Create([.. operands[operand].Dimensions], moved);
        using SessionRun run = forward.RunBorrowed(all);
        ReadOnlySpan<float> result = run.Span<float>(0), factors = weight.Span<float>();
        double sum = 0;
        for (int i = 0; i < result.Length; i++)
        {
            sum += (double)result[i] * factors[i];
        }

        return sum;
    }

    private static IReadOnlyList<Tensor> Gradients(Func<Graph, Value[], Value> build, Tensor[] operands, Tensor weight, long opset)
    {
        Model model = Model.Create("gradient", opset, irVersion: 10);
        Graph graph = model.Graph;
        Value[] values = [.. operands.Select((operand, i) => graph.AddInitializer($"operand{i}", operand))];
        Value row = graph.Add("Reshape", build(graph, values), graph.AddInitializer("row", Tensor.Vector(1, weight.Length)));
        Value loss = graph.Add("MatMul", row, graph.AddInitializer("weight", weight.WithDimensions(weight.Length, 1)));
        string[] names = [.. values.Select(value => value.Name)];
        GradientModel gradient = GradientBuilder.Build(model, loss.Name, names, []);
        if (gradient.Gaps.Count > 0)
        {
            throw new GradientException(gradient.Gaps[0].Reason);
        }

        using ModelSession session = ModelSession.Open(gradient.Model);
        return session.Run(operands);
    }

    private static Model Forward(Func<Graph, Value[], Value> build, Tensor[] operands, long opset)
    {
        Model model = Model.Create("forward", opset, irVersion: 10);
        Value[] inputs = [.. operands.Select((operand, i) => model.Graph.AddInput($"operand{i}", new TensorType(operand.ElementType, [.. operand.Dimensions.Select(Dimension.FromInt64)])))];
        Value result = build(model.Graph, inputs);
        result.Type = new TensorType(ElementType.Float, Shape: null);
        model.Graph.AddOutput(result);
        return model;
    }
}
