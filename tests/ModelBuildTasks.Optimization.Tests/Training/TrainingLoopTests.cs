using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Training;

namespace ModelBuildTasks.Optimization.Tests.Training;

/// <summary>The task: w is to become 3, the mean of the samples.</summary>
[TestClass]
public sealed class TrainingLoopTests
{
    private static readonly TrainingPlan Plan = new() { DefaultSteps = 200, BatchSize = 4, LearningRate = 0.1f, WeightDecay = 0, Threads = 1 };

    private readonly string folder = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());

    [TestCleanup]
    public void Remove()
    {
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [TestMethod]
    public void Comes_to_the_least_loss()
    {
        (TrainingOutcome outcome, float weight) = Run(Plan);

        Assert.AreEqual(3, weight, 0.05);
        Assert.IsTrue(outcome.IsBetter);
        Assert.AreEqual(4, outcome.Before, 1e-3);
        Assert.AreEqual(200, outcome.Steps);
    }

    [TestMethod]
    public void Epochs_decide_the_steps() => Assert.AreEqual(3 * 5, Run(Plan with { Epochs = 3 }).Outcome.Steps);

    [TestMethod]
    public void Batches_that_are_added_up_make_fewer_steps() => Assert.AreEqual(4 * 2, Run(Plan with { Epochs = 4, Accumulation = 2 }).Outcome.Steps);

    [TestMethod]
    public void Keeps_the_weights_from_before_where_nothing_is_better()
    {
        (TrainingOutcome outcome, float weight) = Run(Plan, look: w => Math.Abs(w - 1));

        Assert.AreEqual(1f, weight);
        Assert.IsFalse(outcome.IsBetter);
        Assert.AreEqual(Plan.Patience * (Plan.DefaultSteps / Plan.Looks), outcome.Steps, "it stops when patience ends");
    }

    [TestMethod]
    public void The_best_weights_of_all_looks_are_kept()
    {
        List<float> seen = [];
        (_, float weight) = Run(Plan, look: w =>
        {
            seen.Add(w);
            return Math.Abs(w - 2);
        });

        Assert.AreEqual(seen.MinBy(w => Math.Abs(w - 2)), weight);
    }

    [TestMethod]
    public void Repeats_itself_from_the_same_seed()
    {
        Assert.AreEqual(Run(Plan).Weight, Run(Plan).Weight);
        Assert.AreNotEqual(Run(Plan).Weight, Run(Plan with { Seed = 1 }).Weight);
    }

    [TestMethod]
    public void Goes_on_after_a_kill_as_if_there_had_been_none()
    {
        TrainingPlan kept = Plan with { CheckpointPath = Path.Combine(folder, "training") };
        using CancellationTokenSource kill = new();
        int looks = 0;
        Assert.ThrowsExactly<OperationCanceledException>(() => Run(kept, look: w =>
        {
            if (++looks == 8)
            {
                kill.Cancel();
            }

            return Distance(w);
        }, cancellation: kill.Token));
        Assert.IsTrue(File.Exists(kept.CheckpointPath), "it is there to go on from");

        int looksAgain = 0;
        (TrainingOutcome outcome, float weight) = Run(kept, look: w =>
        {
            looksAgain++;
            return Distance(w);
        });

        (TrainingOutcome whole, float uninterrupted) = Run(Plan);
        Assert.AreEqual(uninterrupted, weight);
        Assert.AreEqual(whole with { Duration = default }, outcome with { Duration = default });
        Assert.IsLessThan(Plan.Looks, looksAgain, "it did not begin again");
        Assert.IsFalse(File.Exists(kept.CheckpointPath));
    }

    [TestMethod]
    public void What_the_time_cut_short_is_taken_as_it_was_where_its_checkpoint_is_kept()
    {
        TrainingPlan kept = Plan with { CheckpointPath = Path.Combine(folder, "training"), KeepsCheckpoint = true };
        (TrainingOutcome cut, float weight) = Run(kept with { Limit = TimeSpan.FromTicks(1) });

        (TrainingOutcome again, float taken) = Run(kept);

        Assert.AreEqual(1, cut.Steps);
        Assert.AreEqual(1, again.Steps);
        Assert.AreEqual(weight, taken);
    }

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void That_weights_had_settled_is_known_behind_a_kill(bool isSettled)
    {
        TrainingPlan kept = Plan with { CheckpointPath = Path.Combine(folder, "training") };
        using CancellationTokenSource kill = new();
        Assert.ThrowsExactly<OperationCanceledException>(() => Run(kept, settle: (_, _) => isSettled, progress: new Told(_ => kill.Cancel()), cancellation: kill.Token));

        bool wasSettled = false;
        Run(kept, settle: (_, _) => true, resumeSettled: () => wasSettled = true);

        Assert.AreEqual(isSettled, wasSettled);
    }

    [TestMethod]
    public void Masks_are_kept_over_a_kill()
    {
        TrainingPlan kept = Plan with { CheckpointPath = Path.Combine(folder, "training") };
        using CancellationTokenSource kill = new();
        bool[] mask = [true];
        Assert.ThrowsExactly<OperationCanceledException>(() => Run(kept, mask: mask, settle: (_, _) => mask[0] = false, progress: new Told(_ => kill.Cancel()), cancellation: kill.Token));

        bool[] after = [true];
        List<bool> seen = [];
        Run(kept, mask: after, settle: (_, _) =>
        {
            seen.Add(after[0]);
            return true;
        });

        Assert.IsFalse(seen[0], "the first step after the kill finds the mask that was");
    }

    [TestMethod]
    public void The_checkpoint_of_another_plan_is_not_gone_on_from()
    {
        TrainingPlan kept = Plan with { CheckpointPath = Path.Combine(folder, "training") };
        using CancellationTokenSource kill = new();
        Assert.ThrowsExactly<OperationCanceledException>(() => Run(kept, progress: new Told(_ => kill.Cancel()), cancellation: kill.Token));

        Assert.AreEqual(Run(Plan with { LearningRate = 0.2f }).Weight, Run(kept with { LearningRate = 0.2f }).Weight);
    }

    [TestMethod]
    public void A_limit_of_time_leaves_what_is_best_so_far()
    {
        (TrainingOutcome outcome, _) = Run(Plan with { DefaultSteps = 10_000_000, Limit = TimeSpan.FromMilliseconds(300) });

        Assert.IsLessThan(10_000_000, outcome.Steps);
        Assert.IsTrue(outcome.IsBetter);
    }

    [TestMethod]
    public void A_training_that_diverges_ends_with_what_was_best()
    {
        (TrainingOutcome outcome, float weight) = Run(Plan, samples: new Samples(float.NaN));

        Assert.AreEqual(1f, weight);
        Assert.AreEqual("the loss is not finite any more", outcome.Ending);
    }

    [TestMethod]
    public void Weights_are_kept_from_when_they_have_settled_alone()
    {
        List<int> looked = [];
        int now = 0;
        Run(Plan, look: w =>
        {
            looked.Add(now);
            return Distance(w);
        }, settle: (step, steps) =>
        {
            now = step;
            return step > steps / 2;
        });

        Assert.IsTrue(looked.Skip(1).All(step => step > 100));
    }

    [TestMethod]
    public void Progress_tells_the_loss_and_the_time_left()
    {
        List<TrainingProgress> told = [];
        Run(Plan, progress: new Told(told.Add));

        Assert.AreEqual(1, told[^1].Share);
        Assert.AreEqual(TimeSpan.Zero, told[^1].Left);
        Assert.IsGreaterThan(told[^1].Loss, told[0].Loss);
    }

    [TestMethod]
    public void The_time_left_is_never_more_than_the_limit_has()
    {
        TrainingPlan plan = new() { Limit = TimeSpan.FromSeconds(300) };

        Assert.AreEqual(TimeSpan.FromSeconds(10), plan.Left(TimeSpan.FromSeconds(20), 2, 1));
        Assert.AreEqual(TimeSpan.FromSeconds(280), plan.Left(TimeSpan.FromSeconds(20), 1, 99));
        Assert.AreEqual(TimeSpan.Zero, plan.Left(TimeSpan.FromSeconds(310), 1, 99));
    }

    private static double Distance(float weight) => (weight - 3.0) * (weight - 3);

    private static (TrainingOutcome Outcome, float Weight) Run(
        TrainingPlan plan, Func<float, double>? look = null, Func<int, int, bool>? settle = null, Action? resumeSettled = null, Dataset? samples = null, bool[]? mask = null, IProgress<TrainingProgress>? progress = null, CancellationToken cancellation = default)
    {
        Model model = Model.Create("distance", opset: 17, irVersion: 8);
        Graph graph = model.Graph;
        Value x = graph.AddInput("x", new TensorType(ElementType.Float, plan.BatchSize, 1));
        Value difference = graph.Add("Sub", x, graph.AddInitializer("w", Tensor.Vector(1f)));
        Value loss = graph.AddNode("ReduceMean", [graph.Add("Mul", difference, difference)]).Set("keepdims", 0).Output;
        graph.AddOutput(loss);
        Parameter weight = new("w", Tensor.Vector(1f)) { Mask = mask };
        using Trainer trainer = new(new TrainingProblem(model, loss.Name, [weight], [Tensor.Create([plan.BatchSize, 1], new float[plan.BatchSize])]), new TrainerSettings(plan.Rule, plan.ClipNorm));
        TrainingLoop loop = new(plan, trainer, new TrainingBatches(samples ?? new Samples(3), plan.BatchSize, plan.Seed))
        {
            Inputs = (batch, _) => TrainingBatches.Join([.. batch.Select(sample => sample.Inputs)]),
            Look = () => (look ?? Distance)(weight.Values[0]),
            Settle = settle,
            ResumeSettled = resumeSettled,
        };
        return (loop.Run(progress, cancellation), weight.Values[0]);
    }

    /// <summary>Twenty numbers about a mean.</summary>
    private sealed class Samples(float mean) : Dataset
    {
        public override string Path => "numbers";

        public override int Count => 20;

        public override bool HasLabels => false;

        public override IEnumerable<Sample> Read() => Enumerable.Range(0, Count).Select(i => new Sample([Tensor.Create([1, 1], [mean + ((i - 9.5f) * 0.05f)])], null));
    }
}
