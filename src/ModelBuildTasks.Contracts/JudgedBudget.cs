using ModelBuildTasks.Contracts.Json;

namespace ModelBuildTasks.Contracts;

/// <summary>What became of a budget. The first is what a file that does not say means: silence must not pass.</summary>
public enum Verdict
{
    /// <summary>Nothing was measured that could decide it.</summary>
    NotMeasured,

    /// <summary>Noise or too few samples: the interval allows both answers.</summary>
    Undecided,
    Failed,
    Passed,
}

/// <summary>A budget held against what was measured.</summary>
public sealed class JudgedBudget
{
    /// <summary>The budget, by the name of the item's metadata.</summary>
    public string Name { get; set; } = "";

    /// <summary>Its limit: a share, milliseconds, a ratio or bytes.</summary>
    public double Allowed { get; set; }

    /// <summary>What was measured, in the unit of the limit; null when nothing was.</summary>
    public double? Value { get; set; }

    /// <summary>Lower end of the interval of <see cref="Value"/>, which equals it where it is exact.</summary>
    public double? Low { get; set; }

    /// <summary>Upper end of that interval.</summary>
    public double? High { get; set; }

    public Verdict Verdict { get; set; }

    /// <summary>What was measured and what is allowed; where that decides nothing, also what would.</summary>
    public string Sentence { get; set; } = "";

    internal static JudgedBudget Read(JsonObject json) => new()
    {
        Name = json.Text(nameof(Name)) ?? "",
        Allowed = json.Number(nameof(Allowed)) ?? 0,
        Value = json.Number(nameof(Value)),
        Low = json.Number(nameof(Low)),
        High = json.Number(nameof(High)),
        Verdict = json.Choice<Verdict>(nameof(Verdict)),
        Sentence = json.Text(nameof(Sentence)) ?? "",
    };

    internal void Write(JsonWriter json) => json
        .Add(nameof(Name), Name)
        .Add(nameof(Allowed), (double?)Allowed)
        .Add(nameof(Value), Value)
        .Add(nameof(Low), Low)
        .Add(nameof(High), High)
        .Add(nameof(Verdict), Verdict.ToString())
        .Add(nameof(Sentence), Sentence);
}
