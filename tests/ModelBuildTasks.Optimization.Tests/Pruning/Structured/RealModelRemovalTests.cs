using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Pruning.Structured;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Pruning.Structured;

/// <summary>On every real model, removed channels leave what masking them leaves.</summary>
[TestClass]
public class RealModelRemovalTests
{
    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    [DynamicData(nameof(RealModels.Names), typeof(RealModels))]
    public void Removed_channels_are_masked_channels(string name)
    {
        string path = RealModels.Require(name);
        foreach (bool isSimplified in new[] { false, true })
        {
            foreach (int seed in new[] { 1, 2, 3 })
            {
                Model model = Model.Load(path);
                if (isSimplified)
                {
                    new GraphSimplification().Apply(model, new PassContext(TargetProfiles.Cpu));
                }

                DependencyGraph graph = DependencyGraph.Of(model);
                HashSet<int> drawn = MaskedChannels.Draw(graph, 0.4, seed);
                TestContext.WriteLine($"{(isSimplified ? "simplified" : "as it is")}: {drawn.Count} of {MaskedChannels.Removable(graph).Length} removable channels removed");
                MaskedChannels.AssertExact(graph, drawn, session => RealModels.RandomInputs(name, session.Inputs, seed), Tolerance(model));
            }
        }
    }

    /// <summary>How many channels can go; what is coupled to an output, or mixed with others, stays.</summary>
    [TestMethod]
    [DataRow("aka_resnet20_cifar10.onnx", 400)]
    public void Finds_what_can_go(string name, int fewest)
    {
        Model model = Model.Load(RealModels.Require(name));
        new GraphSimplification().Apply(model, new PassContext(TargetProfiles.Cpu));

        DependencyGraph graph = DependencyGraph.Of(model);

        Assert.IsGreaterThanOrEqualTo(fewest, MaskedChannels.Removable(graph).Length);
    }

    /// <summary>Half precision rounds sums of other lengths otherwise.</summary>
    private static double Tolerance(Model model) => model.Graph.Initializers.Any(value => value.Initializer!.ElementType == ElementType.Float16) ? 1e-2 : 1e-4;
}
