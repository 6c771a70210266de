namespace ModelBuildTasks.Benchmarks;

/// <summary>What disturbs a machine's timings; everything 0 is a machine on which equal work takes equal time.</summary>
/// <param name="Name">For the table.</param>
internal sealed record Disturbance(string Name)
{
    /// <summary>Standard deviation of the logarithm of a run's time.</summary>
    internal double Jitter { get; init; } = 0.01;

    /// <summary>Interruptions a second, of some milliseconds each.</summary>
    internal double Interruptions { get; init; }

    /// <summary>How much slower the machine becomes and recovers, smoothly, as by heat.</summary>
    internal double Drift { get; init; }

    /// <summary>Whether the clock steps between <see cref="NoisyMachine"/>'s frequencies.</summary>
    internal bool StepsFrequency { get; init; }

    /// <summary>Whether a busy process comes and goes and takes turns with the measured one on its core.</summary>
    internal bool SharesCore { get; init; }

    /// <summary>How much slower the machine is while such a process comes and goes on another core, by caches and memory.</summary>
    internal double Neighbour { get; init; }
}

/// <summary>
/// A model of a machine whose time moves only with the work that it does. Lengths are those of Linux: a busy process has the core for the scheduler's base slice
/// (EEVDF, 3 ms), governors step every some tenths of a second, and other programs' work lasts as long.
/// </summary>
internal sealed class NoisyMachine(Disturbance disturbance, int seed) : TimeProvider
{
    private const double SliceMilliseconds = 3;
    private const double TickMilliseconds = 1;
    private const double PhaseMilliseconds = 250;
    private const double DriftMilliseconds = 4000;
    private const double InterruptionMilliseconds = 3;
    private static readonly double[] Slowdowns = [1, 1.15, 1.4];

    private readonly Random random = new(seed);
    private double now;
    private double slowdown = 1;
    private double nextStep;
    private bool isLoaded;
    private double nextPhase;
    private double sliceLeft = SliceMilliseconds;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond * 100;

    public override long GetTimestamp() => (long)(now * (TimestampFrequency / 1000));

    /// <summary>Does what takes <paramref name="milliseconds"/> on the machine undisturbed.</summary>
    internal void Work(double milliseconds)
    {
        Advance();
        double taken = milliseconds * slowdown * (1 + disturbance.Drift * (1 - Math.Cos(2 * Math.PI * now / DriftMilliseconds)) / 2)
            * (isLoaded ? 1 + disturbance.Neighbour : 1) * Math.Exp(disturbance.Jitter * Normal());
        for (double at = Exponential(1000 / disturbance.Interruptions); at < taken; at += Exponential(1000 / disturbance.Interruptions))
        {
            taken += Exponential(InterruptionMilliseconds);
        }

        now += disturbance.SharesCore && isLoaded ? Sliced(taken) : taken;
    }

    /// <summary>Time that work takes where another process has every second slice.</summary>
    private double Sliced(double work)
    {
        double waited = 0;
        double left = work;
        while (left >= sliceLeft)
        {
            left -= sliceLeft;
            sliceLeft = Slice();
            waited += Slice();
        }

        sliceLeft -= left;
        return work + waited;
    }

    /// <summary>A slice ends at the first tick of the clock after it is used up.</summary>
    private double Slice() => SliceMilliseconds + TickMilliseconds * random.NextDouble();

    private void Advance()
    {
        if (disturbance.StepsFrequency && now >= nextStep)
        {
            slowdown = Slowdowns[random.Next(Slowdowns.Length)];
            nextStep = now + Exponential(PhaseMilliseconds);
        }

        if (now >= nextPhase)
        {
            isLoaded = !isLoaded;
            nextPhase = now + Exponential(PhaseMilliseconds);
        }
    }

    private double Exponential(double mean) => -mean * Math.Log(1 - random.NextDouble());

    private double Normal() => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
