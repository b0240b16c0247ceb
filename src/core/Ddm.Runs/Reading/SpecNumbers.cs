using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Ddm.Runs;

/// <summary>A whole number from <paramref name="minimum"/> to <paramref name="maximum"/>; boxed as <see cref="long"/>.</summary>
internal sealed class IntegerValue(long minimum, long maximum, int multiple = 1) : SpecValue
{
    public override string Expected => string.Create(
        CultureInfo.InvariantCulture, $"a whole number from {minimum} to {maximum}{(multiple == 1 ? "" : $" that {multiple} divides")}");

    public override object? Read(SpecNode node, Action<SpecNode, string> refuse)
    {
        if (Scalar(node, refuse) is not { } scalar)
        {
            return null;
        }

        if (scalar.Plain
            && long.TryParse(scalar.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
            && number >= minimum && number <= maximum && number % multiple == 0)
        {
            return number;
        }

        Refuse(node, refuse);
        return null;
    }

    public override void Write(Utf8JsonWriter json, object value) => json.WriteNumberValue((long)value);

    public override JsonObject Schema()
    {
        var schema = new JsonObject { ["type"] = "integer", ["minimum"] = minimum, ["maximum"] = maximum };
        if (multiple != 1)
        {
            schema["multipleOf"] = multiple;
        }

        return schema;
    }
}

/// <summary>A finite number in a range, whose lower end is outside when <paramref name="above"/>; boxed as <see cref="double"/>.</summary>
internal sealed class NumberValue(double minimum, double maximum, bool above) : SpecValue
{
    public override string Expected => string.Create(
        CultureInfo.InvariantCulture, $"a number {(above ? $"above {minimum} and at most" : $"from {minimum} to")} {maximum}");

    public override object? Read(SpecNode node, Action<SpecNode, string> refuse)
    {
        if (Scalar(node, refuse) is not { } scalar)
        {
            return null;
        }

        const NumberStyles Style = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        if (scalar.Plain
            && double.TryParse(scalar.Text, Style, CultureInfo.InvariantCulture, out var number)
            && number <= maximum && (above ? number > minimum : number >= minimum))
        {
            return number;
        }

        Refuse(node, refuse);
        return null;
    }

    public override void Write(Utf8JsonWriter json, object value) => json.WriteNumberValue((double)value);

    public override JsonObject Schema() => new()
    {
        ["type"] = "number",
        [above ? "exclusiveMinimum" : "minimum"] = minimum,
        ["maximum"] = maximum,
    };
}
