using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

[TestClass]
public class GraphSimplificationTests
{
    private static readonly PassContext Context = new(TargetProfiles.Cpu);

    public TestContext TestContext { get; set; } = null!;

    public static IEnumerable<object[]> Models => RealModels.Names;

    [TestMethod]
    [DynamicData(nameof(Models))]
    public void Real_models_compute_the_same_before_and_after(string name)
    {
        string path = RealModels.Require(name);
        Model model = Model.Load(path);
        long bytesBefore = new FileInfo(path).Length;
        System.Diagnostics.Stopwatch watch = System.Diagnostics.Stopwatch.StartNew();
        PassOutcome outcome = new GraphSimplification().Apply(model, Context);
        watch.Stop();
        byte[] simplified = model.ToBytes();
        TestContext.WriteLine($"{name}: {bytesBefore} → {simplified.Length} bytes, main graph {model.Graph.Nodes.Count} nodes, {watch.ElapsedMilliseconds} ms");
        TestContext.WriteLine(outcome.Explanation);
        foreach (string refusal in outcome.Refusals)
        {
            TestContext.WriteLine("  " + refusal);
        }

        using ModelSession before = ModelSession.Open(path);
        using ModelSession after = ModelSession.Open(simplified);
        CollectionAssert.AreEqual(before.Inputs.Select(s => (s.Name, s.ElementType)).ToArray(), after.Inputs.Select(s => (s.Name, s.ElementType)).ToArray());
        CollectionAssert.AreEqual(before.Outputs.Select(s => (s.Name, s.ElementType)).ToArray(), after.Outputs.Select(s => (s.Name, s.ElementType)).ToArray());
        for (int seed = 0; seed < 3; seed++)
        {
            IReadOnlyList<Tensor> inputs = RealModels.RandomInputs(name, before.Inputs, seed);
            IReadOnlyList<Tensor> expected = before.Run(inputs);
            IReadOnlyList<Tensor> actual = after.Run(inputs);
            double tolerance = expected.Any(tensor => tensor.ElementType == ElementType.Float16) ? 2e-3 : 1e-4;
            for (int i = 0; i < expected.Count; i++)
            {
                double error = RealModels.RelativeError(expected[i], actual[i]);
                TestContext.WriteLine($"  seed {seed} output {i}: {error:E1}");
                Assert.IsLessThanOrEqualTo(tolerance, error, before.Outputs[i].ToString());
            }
        }

        Assert.IsLessThanOrEqualTo(bytesBefore, (long)simplified.Length, "simplification must not grow a file");
    }
}
