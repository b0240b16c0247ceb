using Ddm.Tensors;
using static TorchSharp.torch;

namespace Ddm.Diffusion;

/// <summary>
/// What the experts say to the rows of one evaluation. Those of this process have answered when this is made; answers from elsewhere come in one by one, and rows that have
/// theirs can be taken without the others. Belongs to the thread that made it.
/// </summary>
internal sealed class ExpertAnswers : IDisposable
{
    private readonly Part[] parts;
    private readonly long[] rowShape;
    private readonly ScalarType type;
    private readonly Device device;

    /// <summary>Asks every expert, first those elsewhere to whom the rows must travel.</summary>
    /// <param name="x">[B, ...].</param>
    /// <param name="dispatch">Which rows ask whom.</param>
    /// <param name="begin">Asks one expert.</param>
    public ExpertAnswers(Tensor x, Dispatch dispatch, Func<Dispatch.Part, VelocityCall> begin)
    {
        (rowShape, type, device) = (x.shape[1..], x.dtype, x.device);
        using var scope = NewDisposeScope();
        var asked = new List<Part>();
        try
        {
            foreach (var part in dispatch.Parts)
            {
                asked.Add(new Part(part, begin(part))); // all, before any is waited for
            }

            foreach (var part in asked.Where(part => part.Call.Arrival is null))
            {
                part.Settle(type);
            }
        }
        catch
        {
            asked.ForEach(part => part.Dispose());
            throw;
        }

        parts = [.. asked];
    }

    /// <summary>What is still to come before all of these rows have their answers.</summary>
    public IEnumerable<Task> Outstanding(IReadOnlySet<long> rows)
        => parts.Where(part => part.Call.Arrival is { IsCompleted: false } && part.Asked.Rows.Any(rows.Contains)).Select(part => part.Call.Arrival!);

    /// <summary>Takes what has arrived for these rows.</summary>
    /// <returns>The rows whose answer nobody could give, and why; empty: all have theirs.</returns>
    public IReadOnlyDictionary<long, ExpertLostException> Settle(IReadOnlySet<long> rows)
    {
        var lost = new Dictionary<long, ExpertLostException>();
        foreach (var part in parts.Where(part => part.Asked.Rows.Any(rows.Contains)))
        {
            if (part.Settle(type) is { } error)
            {
                foreach (var row in part.Asked.Rows.Where(rows.Contains))
                {
                    lost[row] = error;
                }
            }
        }

        return lost;
    }

    /// <summary>The experts elsewhere that answered for a row that has settled, and who it was.</summary>
    public IEnumerable<(int Expert, string By)> AnsweredBy(long row)
        => parts.Where(part => part.By is not null && part.Asked.Rows.Contains(row)).Select(part => (part.Asked.Expert, part.By!));

    /// <summary>The mixed velocities of rows that have settled.</summary>
    /// <param name="rows">In any order, each once.</param>
    /// <returns>[rows, ...], in the caller's dispose scope.</returns>
    public Tensor Mix(long[] rows)
    {
        using var scope = NewDisposeScope();
        var total = zeros([rows.Length, .. rowShape], dtype: type, device: device); // a lone expert's velocity is added to zeros as well: one way for all batches
        var places = rows.Index().ToDictionary(pair => pair.Item, pair => (long)pair.Index);
        foreach (var part in parts)
        {
            using var own = NewDisposeScope();
            int[] mine = [.. Enumerable.Range(0, part.Asked.Rows.Length).Where(i => places.ContainsKey(part.Asked.Rows[i]))];
            if (mine.Length == 0)
            {
                continue;
            }

            var answer = mine.Length == part.Asked.Rows.Length ? part.Answer : part.Answer.index_select(0, tensor([.. mine.Select(i => (long)i)], device: device));
            var velocity = Weighted(answer, [.. mine.Select(i => part.Asked.Shares[i])]);
            long[] to = [.. mine.Select(i => places[part.Asked.Rows[i]])];
            if (to.Length == rows.Length && to.Index().All(pair => pair.Item == pair.Index))
            {
                total.add_(velocity, Arithmetic.One);
            }
            else
            {
                total.index_add_(0, tensor(to, device: device), velocity, Arithmetic.One);
            }
        }

        return total.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose() => Array.ForEach(parts, part => part.Dispose());

    private static Tensor Weighted(Tensor velocity, double[] share)
        => Array.TrueForAll(share, w => w == 1)
            ? velocity
            : velocity * tensor(share, dtype: velocity.dtype, device: velocity.device).view([share.Length, .. Enumerable.Repeat(1L, (int)velocity.dim() - 1)]);

    /// <summary>One expert's rows and its answer to them.</summary>
    private sealed class Part(Dispatch.Part asked, VelocityCall call) : IDisposable
    {
        private Tensor? answer;
        private ExpertLostException? lost;

        public Dispatch.Part Asked { get; } = asked;

        public VelocityCall Call { get; } = call;

        /// <summary>Who answered; null: this process, or nobody yet.</summary>
        public string? By { get; private set; }

        public Tensor Answer => answer ?? throw new InvalidOperationException($"Expert {Asked.Expert} has not answered.");

        /// <summary>Takes the answer; null: it is there.</summary>
        public ExpertLostException? Settle(ScalarType type)
        {
            if (answer is null && lost is null)
            {
                using var scope = NewDisposeScope();
                try
                {
                    answer = Call.Answer().to(type).DetachFromDisposeScope();
                    By = Call.AnsweredBy;
                }
                catch (ExpertLostException e)
                {
                    lost = e;
                }
            }

            return lost;
        }

        public void Dispose()
        {
            Call.Dispose();
            answer?.Dispose();
        }
    }
}
