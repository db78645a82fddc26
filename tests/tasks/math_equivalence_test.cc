#include "sft/tasks/math_equivalence.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tasks/math_expression.h"

#include "sft/tasks/decimal.h"

namespace sft {
namespace {

using Pair = std::pair<std::string, std::string>;

TEST(MathEquivalence, SameMeaningIsEqual) {
  for (const auto& [one, other] : std::vector<Pair>{
           {"0.5", R"(\frac{1}{2})"},
           {"1/2", R"(\dfrac12)"},
           {R"(-\frac{1}{2})", R"(\frac{-1}{2})"},
           {"-1/2", R"(-\tfrac{1}{2})"},
           {R"(\frac1{\sqrt{2}})", R"(\frac{\sqrt{2}}{2})"},
           {R"(3\frac{1}{2})", "3.5"},
           {"1,000", "1000"},
           {R"(10{,}000)", R"(10,\!000)"},
           {R"(\$5.00)", "5"},
           {R"(50\%)", "50"},
           {R"(90^\circ)", "90"},
           {R"(5\text{ cm}^2)", "5"},
           {R"(12 \mbox{ inches})", "12"},
           {"12 dollars", "12"},
           {"x = 5", "5"},
           {"f(x) = x^2 + 1", "x^2+1"},
           {"(x+1)^2", "x^2 + 2x + 1"},
           {R"(2\pi r)", R"(2 \cdot r \cdot \pi)"},
           {R"(\left( 3, \frac{\pi}{2} \right))", R"((3,\frac{\pi}{2}))"},
           {"1, -2", "-2,1"},
           {R"(1 \text{ and } 2)", "2, 1"},
           {R"(\{1, 2\})", R"(\{2,1\})"},
           {R"(1 \pm \sqrt{2})", R"(1-\sqrt{2}, 1+\sqrt{2})"},
           {R"((-\infty, 2] \cup [3, \infty))", R"([3,\infty) \cup (-\infty,2])"},
           {R"(x \in [0, 1])", "[0,1]"},
           {R"(1 \le x < 2)", R"(2 > x \geq 1)"},
           {"y = 2x + 1", "2x - y + 1 = 0"},
           {R"(\text{Even})", "even"},
           {R"(\text{(A)})", "(A)"},
           {R"(\sqrt[3]{-8})", "-2"},
           {"|-3|", "3"},
           {"2^{10}", "1024"},
           {"5!", "120"},
           {R"(\begin{pmatrix} 4/2 \\ 3 \end{pmatrix})", R"(\begin{pmatrix}2\\3\end{pmatrix})"},
           {R"(\begin{pmatrix} 1 & \frac12 \\ 0 & 4/2 \end{pmatrix})",
            R"(\begin{bmatrix}1&0.5\\0&2\end{bmatrix})"},
           {"12_8", "12_{8}"},
           {R"(\binom{5}{2})", "10"},
           {R"(\log_2 8)", "3"},
           {R"(\sin^2 x + \cos^2 x)", "1"},
           {"3i^2", "-3"},
           {"5.", "5"}}) {
    EXPECT_TRUE(are_math_answers_equal(one, other)) << one << " | " << other;
    EXPECT_TRUE(are_math_answers_equal(other, one)) << other << " | " << one;
  }
}

TEST(MathEquivalence, OtherMeaningIsNot) {
  for (const auto& [one, other] : std::vector<Pair>{
           {"3,5", "35"},
           {"0.33", R"(\frac{1}{3})"},
           {"0.3333333", "1/3"},
           {"123456789012345678901", "123456789012345678902"},
           {"(1,2)", "(2,1)"},
           {"[0,1)", "[0,1]"},
           {"(0,1)", "[0,1]"},
           {"1,1,2", "1,2,2"},
           {"1,2", "1,2,3"},
           {"x^2", "x^3"},
           {"x", "y"},
           {"2x", "x^2"},
           {R"(\text{east})", R"(\text{west})"},
           {"parallelogram", "rectangle"},
           {"", "0"},
           {"5", "-5"},
           {"x < 2", "x > 2"},
           {R"(x \le 2)", "x < 2"},
           {"y = 2x", "y = 2x + 1"},
           {R"(\sqrt{2})", "1.41421"},
           {R"(\begin{pmatrix} 1 \\ 2 \end{pmatrix})", R"(\begin{pmatrix}2\\1\end{pmatrix})"},
           {"A", "B"},
           {R"(12_8)", "12"},
           {"data 5", "dat5"}}) {
    EXPECT_FALSE(are_math_answers_equal(one, other)) << one << " | " << other;
    EXPECT_FALSE(are_math_answers_equal(other, one)) << other << " | " << one;
  }
}

TEST(MathEquivalence, EndsOnHostileAnswers) {
  for (const std::string piece :
       {"(", "{", "-", "\\frac", "|", "(1,", "\\sqrt", "x=", "\\cup", "^"}) {
    std::string text;
    while (text.size() < 3000) {
      text += piece;
    }
    EXPECT_FALSE(are_math_answers_equal(text, "1")) << piece;
    EXPECT_TRUE(are_math_answers_equal(text, text)) << piece;
    text.resize(1500);
    EXPECT_FALSE(are_math_answers_equal(text, "1")) << piece;
  }
}

TEST(EvaluateLatex, KnowsWhatIsNoFormula) {
  for (const std::string text :
       {"", "1+", "(1", "\\unknown", "1.2.3", "\\frac{1}", "2^", "1)", "\\frac{1}{0}"}) {
    EXPECT_FALSE(evaluate_latex(text, 1)) << text;
  }
}

TEST(Decimal, TellsNumbersFromOtherTexts) {
  for (const std::string text : {"1", "-12.50", "+.5", " 3. "}) {
    EXPECT_TRUE(is_decimal_number(text)) << text;
  }
  for (const std::string text : {"", ".", "-", "1.2.3", "1,2", "x", "--1", "1 2"}) {
    EXPECT_FALSE(is_decimal_number(text)) << text;
  }
}

}  // namespace
}  // namespace sft
