using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Quantization.MixedPrecision;

/// <summary>
/// Returns to float the nodes whose integers cost most accuracy for the time they save. Each node is left out once by itself, which tells the noise
/// that it brings to the outputs; then they are left out one after the other, the best bargain first, and each must prove itself together with those before.
/// For the CPU, float means float32: neither float16 nor 16-bit integers have faster kernels there.
/// </summary>
internal sealed class MixedPrecisionSearch
{
    /// <summary>Above this ratio nothing is done: for classes it means that fewer than 2 answers in 100 change.</summary>
    internal const double Goal = 35;

    /// <summary>
    /// Below this one, accuracy is bought at any price that leaves integers faster: more than an eighth of the answers change, or noise is an eighth of what tells
    /// the numbers of an output apart. MobileNet and the detectors are there when everything is in integers.
    /// </summary>
    private const double Floor = 18;

    /// <summary>Between the two, a decibel is worth this share of the time.</summary>
    private const double TimePerDecibel = 0.04;

    /// <summary>Integers must stay faster than float by more than the prediction may be wrong.</summary>
    private const double MostOfFloatTime = 0.9;

    /// <summary>After so many in a row that prove worthless, those that promised less are not tried.</summary>
    private const int MostFailures = 4;

    /// <summary>Gains below this many decibels are the luck of the samples.</summary>
    private const double SmallestGain = 0.05;

    private readonly CalibratedModel model;
    private readonly FidelityProbe probe;
    private readonly double floatTime;
    private readonly CancellationToken cancellation;
    private MeasuredChoice current;

    private MixedPrecisionSearch(CalibratedModel model, FidelityProbe probe, MeasuredChoice start, CancellationToken cancellation)
    {
        this.model = model;
        this.probe = probe;
        this.cancellation = cancellation;
        current = start;
        floatTime = SelectionTime.OfFloat(model.Candidates);
    }

    /// <summary>The choice with as much more in float as pays; <paramref name="start"/> itself where it is good enough.</summary>
    /// <exception cref="Inference.InferenceException">A form cannot be run.</exception>
    internal static MeasuredChoice Improve(CalibratedModel model, MeasuredChoice start, FidelityProbe probe, CancellationToken cancellation)
    {
        if (start.Noise.Decibels >= Goal || !model.Candidates.IsForCpu)
        {
            return start;
        }

        model.ObserveAll(start.Choice.Selection);
        MixedPrecisionSearch search = new(model, probe, start, cancellation);
        search.Improve();
        return search.current;
    }

    private void Improve()
    {
        int failures = 0;
        foreach ((Node node, double decibels) in Ranked())
        {
            if (current.Noise.Decibels >= Goal || failures == MostFailures)
            {
                return;
            }

            if (current.Choice.InFloat.Contains(node))
            {
                continue;
            }

            MeasuredChoice next = Measure(model.Fastest(Without(node)));
            if (!IsWorthIt(next))
            {
                failures++;
                continue;
            }

            next.Choice.InFloat.Add(node, FormattableString.Invariant(
                $"integers would take {decibels:0.0} dB of the outputs' fidelity for {Math.Max(0, next.Time - current.Time) / floatTime:0.0%} of the time"));
            current = next;
            failures = 0;
        }
    }

    /// <summary>The chosen nodes that help when they alone are left out, the most decibels for the time first.</summary>
    private IEnumerable<(Node Node, double Decibels)> Ranked()
    {
        MeasuredChoice start = current;
        Node[] nodes = [.. start.Choice.Selection.Nodes];
        QuantizationChoice[] choices = [.. nodes.Select(node => model.All(Without(node)))];
        MeasuredChoice[] measured = new MeasuredChoice[nodes.Length];
        ParallelOptions options = new() { MaxDegreeOfParallelism = Environment.ProcessorCount, CancellationToken = cancellation };
        Parallel.For(0, nodes.Length, options, i => measured[i] = Measure(choices[i]));
        double shortest = start.Time * TimePerDecibel * SmallestGain;
        return nodes
            .Select((node, index) => (Node: node, Decibels: measured[index].Noise.Decibels - start.Noise.Decibels, Time: Math.Max(measured[index].Time - start.Time, shortest)))
            .Where(entry => entry.Decibels > SmallestGain)
            .OrderByDescending(entry => entry.Decibels / entry.Time)
            .ThenBy(entry => entry.Node.Output.Name, StringComparer.Ordinal)
            .Select(entry => (entry.Node, entry.Decibels));
    }

    private bool IsWorthIt(MeasuredChoice next)
    {
        double gained = Math.Min(next.Noise.Decibels, Goal) - current.Noise.Decibels;
        double price = (next.Time - current.Time) / current.Time;
        return gained > SmallestGain
            && next.Time <= Math.Max(MostOfFloatTime * floatTime, current.Time)
            && (current.Noise.Decibels < Floor || price <= gained * TimePerDecibel);
    }

    private FloatNodes Without(Node node)
    {
        FloatNodes inFloat = new(current.Choice.InFloat);
        inFloat.Add(node, "it is left out to see what it costs");
        return inFloat;
    }

    private MeasuredChoice Measure(QuantizationChoice choice) => MeasuredChoice.Of(model, choice, probe);
}
