using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Pruning;
using ModelBuildTasks.Optimization.Pruning.Structured;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Optimization.Tests.Quantization;

namespace ModelBuildTasks.Optimization.Tests.Pruning.Structured;

[TestClass]
public class AutomaticPruningTests
{
    private readonly List<long> judged = [];

    [TestMethod]
    [DataRow(56)]
    [DataRow(40)]
    [DataRow(24)]
    public void Removes_the_largest_share_that_keeps_the_accuracy(int fewest)
    {
        Model model = Network().Model;

        PassOutcome outcome = new AutomaticPruning().Apply(model, Context(channels => channels >= fewest));

        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        Assert.AreEqual(fewest, Channels(model));
    }

    [TestMethod]
    public void The_same_channels_are_judged_once()
    {
        new AutomaticPruning().Apply(Network().Model, Context(channels => channels >= 56));

        CollectionAssert.AllItemsAreUnique(judged);
    }

    [TestMethod]
    public void Gives_what_structured_pruning_gives_for_the_share()
    {
        (Model automatic, Model stated) = (Network().Model, Network().Model);

        new AutomaticPruning().Apply(automatic, Context(channels => channels >= 32));
        new StructuredPruning(0.5).Apply(stated, Context(_ => true));

        CollectionAssert.AreEqual(stated.ToBytes(), automatic.ToBytes());
    }

    [TestMethod]
    public void Where_no_share_keeps_the_accuracy_the_model_stays_as_it_was_and_the_trials_are_told()
    {
        Model model = Network().Model;
        byte[] before = model.ToBytes();

        PassOutcome outcome = new AutomaticPruning().Apply(model, Context(_ => false));

        Assert.IsFalse(outcome.Changed);
        CollectionAssert.AreEqual(before, model.ToBytes());
        Assert.Contains("No share of the channels that is worth it keeps the accuracy.", outcome.Explanation);
        Assert.Contains("50 %: 32 channels (rejected)", outcome.Explanation);
    }

    [TestMethod]
    public void Channels_whose_removal_saves_no_time_are_not_tried()
    {
        // Layers of 8 channels and fewer lose none, so that no share saves anything.
        Model model = CoupledGraph.From([1, 3, 6, 6], (g, x) => g.Conv(g.Conv(x, 3, 8, 3), 8, 4)).Model;

        PassOutcome outcome = new AutomaticPruning().Apply(model, Context(_ => true));

        Assert.IsFalse(outcome.Changed, outcome.Explanation);
        Assert.Contains("save 0 % of the layers' time", outcome.Explanation);
        Assert.IsEmpty(judged);
    }

    [TestMethod]
    public void Says_what_was_tried_and_what_it_bought()
    {
        PassOutcome outcome = new AutomaticPruning().Apply(Network().Model, Context(channels => channels >= 40));

        Assert.Contains("24 of 64 channels removed", outcome.Explanation);
        Assert.Contains("of the layers' time", outcome.Explanation);
        Assert.Contains("50 %: 32 channels (rejected)", outcome.Explanation);
        Assert.Contains("40 channels (kept)", outcome.Explanation);
    }

    [TestMethod]
    public void Layers_that_are_named_stay_whole()
    {
        Model model = Network().Model;

        new AutomaticPruning(new ExcludedLayers(["first"])).Apply(model, Context(_ => true));

        Assert.AreEqual(32, Channels(model, "first"));
        Assert.IsLessThan(32, Channels(model, "second"));
    }

    [TestMethod]
    public void Gives_the_same_bytes_each_time()
    {
        (Model one, Model other) = (Network().Model, Network().Model);

        new AutomaticPruning().Apply(one, Context(channels => channels >= 40));
        new AutomaticPruning().Apply(other, Context(channels => channels >= 40));

        CollectionAssert.AreEqual(one.ToBytes(), other.ToBytes());
    }

    [TestMethod]
    public void Without_anyone_to_judge_nothing_is_pruned() =>
        Assert.IsFalse(new AutomaticPruning().Apply(Network().Model, Context(_ => true) with { JudgeAccuracy = null }).Changed);

    private PassContext Context(Func<long, bool> keeps) => new(TargetProfiles.Cpu, new ListedSamples([.. Enumerable.Range(0, 16).Select(_ => Network().Numbers(1, 3, 6, 6))]))
    {
        JudgeAccuracy = form =>
        {
            judged.Add(Channels(form));
            return new AccuracyVerdict(keeps(judged[^1]), $"{judged[^1]} channels");
        },
    };

    private static CoupledGraph Network() => CoupledGraph.From([1, 3, 6, 6], (g, x) =>
        g.Conv(g.Add("Relu", g.Conv(g.Add("Relu", g.Conv(x, 3, 32, 3, name: "first")), 32, 32, 3, name: "second")), 32, 4, name: "last"));

    private static long Channels(Model model) => Channels(model, "first") + Channels(model, "second");

    private static long Channels(Model model, string layer) => model.Graph.Nodes.Single(node => node.Name == layer).Input(1)!.Constant!.Dimensions[0];
}
