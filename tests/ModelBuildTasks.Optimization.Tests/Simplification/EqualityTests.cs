using System.Diagnostics;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

/// <summary>
/// Every real model computes the same before and after, by whatever rules there are, with ONNX Runtime's own optimizations off and
/// on. Folding normalizations and factors into weights changes the rounding of single precision results; anything more is a fault.
/// </summary>
[TestClass]
public class EqualityTests
{
    /// <summary>Of the largest element, for single precision. Worst seen: 6e-6, mobilenet, whose 27 normalizations fold.</summary>
    private const double Tolerance = 1e-5;

    /// <summary>Some units in the last place of half precision.</summary>
    private const double HalfTolerance = 2e-3;

    /// <summary>
    /// Four units in the last place of numbers up to 1. ONNX Runtime's sigmoid is ½ and something: of a probability of 1e-6, which the
    /// text detector finds in noise, only a few bits are there to compare.
    /// </summary>
    private const double Noise = 1.0 / (1 << 22);

    private const int RealSamples = 3;

    /// <summary>Sizes of free dimensions. A model that has none gets as many random inputs.</summary>
    private static readonly (long Batch, long Scale)[] Shapes = [(1, 1), (3, 1), (1, 2)];

    /// <summary>Models whose data needs no preparation.</summary>
    private static readonly Dictionary<string, string[]> RealData = new()
    {
        ["mnist8_cntk.onnx"] = ["datasets", "mnist", "test5k-images.idx.gz"],
        ["magika_standard_v3_3.onnx"] = ["datasets", "magika_src", "features758.idx.gz"],
    };

    public TestContext TestContext { get; set; } = null!;

    public static IEnumerable<object[]> Models => RealModels.Names;

    [TestMethod]
    [DynamicData(nameof(Models))]
    public void A_real_model_computes_the_same_at_every_shape_it_allows(string name)
    {
        string path = RealModels.Require(name);
        byte[] original = File.ReadAllBytes(path);
        byte[] simplified = Simplify(path);
        int compared = 0;
        foreach (bool optimize in new[] { false, true })
        {
            using ModelSession before = ModelSession.Open(original, new SessionSettings(Optimize: optimize));
            using ModelSession after = ModelSession.Open(simplified, new SessionSettings(Optimize: optimize));
            CollectionAssert.AreEqual(before.Inputs.Select(s => (s.Name, s.ElementType)).ToArray(), after.Inputs.Select(s => (s.Name, s.ElementType)).ToArray());
            CollectionAssert.AreEqual(before.Outputs.Select(s => (s.Name, s.ElementType)).ToArray(), after.Outputs.Select(s => (s.Name, s.ElementType)).ToArray());
            foreach (IReadOnlyList<Tensor> inputs in InputsFor(name, before.Inputs))
            {
                compared += Compare(before, after, inputs) ? 1 : 0;
            }
        }

        // Off and on, at one shape at least.
        Assert.IsGreaterThanOrEqualTo(2, compared);
        Assert.IsLessThanOrEqualTo(original.Length, simplified.Length, "simplification must not grow a file");
    }

    private byte[] Simplify(string path)
    {
        Model model = Model.Load(path);
        Stopwatch watch = Stopwatch.StartNew();
        PassOutcome outcome = new GraphSimplification().Apply(model, new PassContext(TargetProfiles.Cpu));
        TestContext.WriteLine($"{Path.GetFileName(path)}: {watch.ElapsedMilliseconds} ms: {outcome.Explanation}");
        foreach (string refusal in outcome.Refusals)
        {
            TestContext.WriteLine("  " + refusal);
        }

        Assert.IsEmpty(model.Validate());
        return model.ToBytes();
    }

    private static IEnumerable<IReadOnlyList<Tensor>> InputsFor(string name, IReadOnlyList<TensorSignature> signatures)
    {
        for (int i = 0; i < Shapes.Length; i++)
        {
            yield return RealModels.RandomInputs(name, signatures, seed: i, Shapes[i].Batch, Shapes[i].Scale);
        }

        if (RealData.TryGetValue(name, out string[]? parts) && RealModels.Data(parts) is { } data)
        {
            foreach (Sample sample in Dataset.Open(data, signatures).Take(RealSamples).Read())
            {
                yield return sample.Inputs;
            }
        }
    }

    /// <summary>False when the original itself does not take inputs of this shape.</summary>
    private bool Compare(ModelSession before, ModelSession after, IReadOnlyList<Tensor> inputs)
    {
        IReadOnlyList<Tensor> expected;
        try
        {
            expected = before.Run(inputs);
        }
        catch (InferenceException exception)
        {
            TestContext.WriteLine($"  not allowed: {string.Join(", ", inputs)}: {exception.Message}");
            return false;
        }

        IReadOnlyList<Tensor> actual = after.Run(inputs);
        for (int i = 0; i < expected.Count; i++)
        {
            double error = RealModels.RelativeError(expected[i], actual[i], Noise);
            TestContext.WriteLine($"  {string.Join(", ", inputs)}: {before.Outputs[i].Name}: {error:E1}");
            Assert.IsLessThanOrEqualTo(expected[i].ElementType == ElementType.Float16 ? HalfTolerance : Tolerance, error, before.Outputs[i].ToString());
        }

        return true;
    }
}
