using System.Numerics.Tensors;
using ModelBuildTasks.Optimization.Training;

namespace ModelBuildTasks.Optimization.Pruning;

/// <summary>
/// The masks of dynamic network surgery while weights are trained (Guo, Yao, Chen 2016, equations 3 and 4): a weight whose magnitude is below aₖ is masked, one above bₖ is seen, and between the two it stays as it was.
/// aₖ and bₖ lie around µₖ + c·σₖ of the magnitudes that layer k had when it was whole. c follows from the sparsity of now, which rises from that of the start to the one that is asked for (Zhu, Gupta 2017, equation 1).
/// </summary>
/// <param name="layers">The weights to mask, each of one layer, and what they were when it was whole. What is masked, as what is zero at the start, goes on being moved.</param>
/// <param name="sparsity">Share of the weights that are masked in the end.</param>
/// <param name="scope">Whether layers have one c together, or each its own.</param>
/// <param name="seed">Decides in which steps masks are looked at.</param>
internal sealed class SurgeryMasks(IReadOnlyList<(Parameter Weight, float[] Whole)> layers, double sparsity, PruningScope scope, int seed)
{
    /// <summary>aₖ and bₖ as shares of µₖ + c·σₖ, as in the authors' own implementation.</summary>
    private const float PruneBelow = 0.9f, SpliceAbove = 1.1f;

    /// <summary>Shares of the training after which the sparsity is reached, and after which masks stay: what is left then settles.</summary>
    private const double Reached = 0.4, Ended = 0.6;

    /// <summary>How the probability of looking at masks falls: (1 + γ·t)⁻¹ at the share t of the surgery (the paper's inverse power).</summary>
    private const double Gamma = 9;

    /// <summary>Halvings of the interval of c.</summary>
    private const int Halvings = 40;

    private readonly Layer[][] groups = scope == PruningScope.Global
        ? [[.. layers.Select(layer => new Layer(layer.Weight, layer.Whole))]]
        : [.. layers.Select(layer => new[] { new Layer(layer.Weight, layer.Whole) })];

    private bool isFixed;

    /// <summary>Weights that came back, each as often as it did.</summary>
    internal long Spliced { get; private set; }

    /// <summary>Training goes on from where the masks were those of the end.</summary>
    internal void ResumeSettled() => isFixed = true;

    /// <summary>After a step of training.</summary>
    /// <returns>Whether the masks are those of the end.</returns>
    internal bool Settle(int done, int steps)
    {
        double share = (double)done / steps;
        if (share >= Ended || done >= steps)
        {
            if (!isFixed)
            {
                Array.ForEach(groups, Fix);
                isFixed = true;
            }

            return true;
        }

        if (new Random(unchecked((seed * 7919) + done)).NextDouble() < 1 / (1 + (Gamma * share / Ended)))
        {
            Array.ForEach(groups, group => Operate(group, share));
        }

        return false;
    }

    private void Operate(Layer[] group, double share)
    {
        double start = Math.Min(sparsity, group.Sum(layer => (double)layer.Zeros) / group.Sum(layer => (double)layer.Magnitudes.Length));
        double now = sparsity - ((sparsity - start) * Math.Pow(1 - Math.Min(1, share / Reached), 3));
        double wanted = now * group.Sum(layer => (double)layer.Magnitudes.Length);
        Array.ForEach(group, layer => TensorPrimitives.Abs(layer.Weight.Values, layer.Magnitudes));
        (double low, double high) = (group.Min(layer => layer.Place(0)), group.Max(layer => layer.Place(layer.Magnitudes.Max())) * 2 + 1);
        for (int i = 0; i < Halvings; i++)
        {
            double middle = (low + high) / 2;
            (low, high) = group.Sum(layer => layer.Masked(middle)) < wanted ? (middle, high) : (low, middle);
        }

        Spliced += group.Sum(layer => layer.Mask(low));
    }

    /// <summary>Masks exactly the share, by the one threshold at which that is so. From here on gradients move what is masked unseen, and no mask changes.</summary>
    private void Fix(Layer[] group)
    {
        (double Place, Layer Layer, int Index)[] places = [.. group.SelectMany(layer => layer.Weight.Values.Select((value, i) => (layer.Place(Math.Abs(value) / (layer.IsSeen[i] ? PruneBelow : SpliceAbove)), layer, i)))];
        Array.Sort(Array.ConvertAll(places, place => place.Place), places);
        int masked = (int)Math.Round(sparsity * places.Length, MidpointRounding.AwayFromZero);
        for (int i = 0; i < places.Length; i++)
        {
            places[i].Layer.IsSeen[places[i].Index] = i >= masked;
            places[i].Layer.Weight.Values[places[i].Index] *= i >= masked ? 1 : 0;
        }

        Array.ForEach(group, layer => layer.Weight.Refresh());
    }

    private sealed class Layer
    {
        private readonly double mean;
        private readonly double deviation;

        internal Layer(Parameter weight, float[] whole)
        {
            Weight = weight;
            Magnitudes = Array.ConvertAll(whole, Math.Abs);
            IsSeen = Array.ConvertAll(weight.Values, value => value != 0);
            Zeros = IsSeen.Count(isSeen => !isSeen);
            weight.Mask = IsSeen;
            mean = TensorPrimitives.Average<float>(Magnitudes);
            deviation = Math.Max(TensorPrimitives.StdDev<float>(Magnitudes), 1e-6 * mean);
            deviation = deviation > 0 ? deviation : 1;
        }

        internal Parameter Weight { get; }

        internal float[] Magnitudes { get; }

        internal bool[] IsSeen { get; }

        /// <summary>How many weights were zero at the start.</summary>
        internal int Zeros { get; }

        /// <summary>The c at which a magnitude is the middle of the thresholds.</summary>
        internal double Place(double magnitude) => (magnitude - mean) / deviation;

        /// <summary>How many weights would be masked at a c.</summary>
        internal int Masked(double c)
        {
            (float below, float above) = Thresholds(c);
            int masked = 0;
            for (int i = 0; i < Magnitudes.Length; i++)
            {
                masked += Magnitudes[i] < below || (Magnitudes[i] < above && !IsSeen[i]) ? 1 : 0;
            }

            return masked;
        }

        /// <returns>How many weights came back.</returns>
        internal int Mask(double c)
        {
            (float below, float above) = Thresholds(c);
            int spliced = 0;
            for (int i = 0; i < Magnitudes.Length; i++)
            {
                bool isMasked = Magnitudes[i] < below || (Magnitudes[i] < above && !IsSeen[i]);
                spliced += !isMasked && !IsSeen[i] ? 1 : 0;
                IsSeen[i] = !isMasked;
            }

            Weight.Refresh();
            return spliced;
        }

        private (float Below, float Above) Thresholds(double c)
        {
            double middle = Math.Max(0, mean + (c * deviation));
            return ((float)(PruneBelow * middle), (float)(SpliceAbove * middle));
        }
    }
}
