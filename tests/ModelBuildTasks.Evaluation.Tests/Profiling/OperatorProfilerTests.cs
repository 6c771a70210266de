using ModelBuildTasks.Evaluation.Profiling;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Evaluation.Tests.Profiling;

/// <summary>ONNX Runtime's own profile, of networks whose slowest operator is known without timing.</summary>
[TestClass]
public sealed class OperatorProfilerTests
{
    private readonly string path = Path.Combine(Directory.CreateTempSubdirectory("modelbuild-").FullName, "model.onnx");

    [TestCleanup]
    public void Cleanup() => Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);

    [TestMethod]
    public void The_large_product_is_slower_than_the_small_one()
    {
        const int width = 512;
        Model model = Model.Create("g", 17, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, width));
        Value large = model.Graph.Add("MatMul", x, model.Graph.AddInitializer("w", Tensor.Create([width, width], new float[width * width])));
        model.Graph.AddOutput(model.Graph.Add("MatMul", large, model.Graph.AddInitializer("v", Tensor.Create([width, 1], new float[width]))));
        large.Producer!.Name = "large";
        model.Save(path);

        IReadOnlyList<OperatorCost> costs = OperatorProfiler.Run(path, [Tensor.Create([1, width], new float[width])]);

        Assert.HasCount(2, costs);
        Assert.AreEqual(("large", "MatMul"), (costs[0].Name, costs[0].OpType));
        Assert.AreEqual(1, costs.Sum(cost => cost.Share), 1e-9);
        Assert.IsGreaterThan(costs[1].Milliseconds, costs[0].Milliseconds);
    }

    [TestMethod]
    public void Nodes_of_a_body_are_counted_and_the_loop_is_not()
    {
        const long iterations = 3;
        Model model = Model.Create("g", 17, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 4));
        Node loop = model.Graph.AddNode("Loop", [model.Graph.AddInitializer("count", Tensor.Scalar(iterations)), null, x]);
        Graph body = loop.AddGraph("body");
        body.AddInput("step", new TensorType(ElementType.Int64, []));
        Value goesOn = body.AddInput("goes_on", new TensorType(ElementType.Bool, []));
        Value state = body.AddInput("state", new TensorType(ElementType.Float, 4));
        body.AddOutput(body.Add("Identity", goesOn));
        body.AddOutput(body.Add("Exp", state));
        model.Graph.AddOutput(loop.Output);
        model.Save(path);

        IReadOnlyList<OperatorCost> costs = OperatorProfiler.Run(path, [Tensor.Create([4], new float[4])]);

        Assert.IsTrue(costs.Any(cost => cost.OpType == "Exp"));
        Assert.IsFalse(costs.Any(cost => cost.OpType == "Loop"));
    }
}
